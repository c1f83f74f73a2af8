#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# rgw.sh FOLDER: start Ceph's RGW with one monitor and one OSD in memory, on free ports of
# loopback; prints its URL and stays until it is stopped. Exit 77: Debian's packages ceph-mon,
# ceph-osd, ceph-common and radosgw are not there.
set -eu
here=$(dirname "$0")
folder=${1:?a folder}
for program in ceph-mon ceph-osd ceph radosgw radosgw-admin curl; do
    command -v $program >/dev/null || {
        echo "no $program: apt-get install ceph-mon ceph-osd ceph-common radosgw" >&2
        exit 77
    }
done
mkdir -p "$folder"/{mon,osd,run,log}
folder=$(realpath "$folder")
uuid=$(cat /proc/sys/kernel/random/uuid)
read -r mon_port port < <(python3 "$here/free_port.py" 2)
export CEPH_CONF=$folder/ceph.conf
# Who asks the monitor for its configuration forgets "fsid" until the monitors' map has come, and a
# command that it sends before is refused as "wrong fsid": MonMap::build_initial() of Ceph 16 returns
# with the addresses before it looks at fsid. An OSD does not try again. The command `ceph` always
# asks, so its commands are tried again here.
export CEPH_ARGS=--no-mon-config
cat >"$CEPH_CONF" <<CONF
[global]
fsid = $(cat /proc/sys/kernel/random/uuid)
mon host = v1:127.0.0.1:$mon_port
mon initial members = a
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd crush chooseleaf type = 0
mon allow pool size one = true
mon warn on pool no redundancy = false
mon data avail crit = 1
run dir = $folder/run
log file = $folder/log/\$name.log
admin socket = $folder/run/\$name.asok
mon data = $folder/mon
osd data = $folder/osd
osd objectstore = memstore
memstore device bytes = 2147483648
ms bind ipv6 = false
public addr = 127.0.0.1
cluster addr = 127.0.0.1
keyring = $folder/keyring
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:$port
rgw enable usage log = false
CONF
pids=()
stop() {
    for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
        kill "${pids[i]}" 2>/dev/null || true
    done
    for pid in "${pids[@]}"; do
        wait "$pid" 2>/dev/null || true
    done
}
trap stop EXIT
trap 'exit 0' TERM INT HUP

start() { # PROGRAM ARGUMENT...: in the foreground of a child of ours
    "$@" -f >>"$folder/log/out" 2>&1 &
    pids+=($!)
}

wait_for() { # SECONDS COMMAND...
    local until=$((SECONDS + $1))
    shift
    while ((SECONDS < until)); do
        "$@" >/dev/null 2>&1 && return
        sleep 0.1
    done
    echo "rgw.sh: gave up waiting for: $*" >&2
    tail -n 5 "$folder"/log/* >&2
    return 1
}

{
    ceph-authtool --create-keyring "$folder/keyring" --gen-key -n mon. --cap mon 'allow *'
    ceph-authtool "$folder/keyring" --gen-key -n client.admin \
        --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *'
    monmaptool --create --addv a "v1:127.0.0.1:$mon_port" --fsid "$(sed -n 's/^fsid = //p' "$CEPH_CONF")" \
        "$folder/monmap"
    ceph-mon --mkfs -i a --monmap "$folder/monmap" --keyring "$folder/keyring"
} >>"$folder/log/out" 2>&1
start ceph-mon -i a
wait_for 30 timeout 10 ceph osd create "$uuid"
ceph-osd -i 0 --mkfs --osd-uuid "$uuid" >>"$folder/log/out" 2>&1
start ceph-osd -i 0
wait_for 60 timeout 20 ceph osd crush add osd.0 1.0 root=default host=localhost
up() { timeout 10 ceph osd stat | grep -q '1 up'; }
wait_for 60 up
start radosgw -n client.rgw --keyring="$folder/keyring"
answers() { (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }
wait_for 90 answers
timeout 60 radosgw-admin user create --uid=ff --display-name=ff --access-key=ffkey \
    --secret=ffsecretffsecret >>"$folder/log/out" 2>&1
curl -sSf -X PUT --aws-sigv4 aws:amz:us-east-1:s3 --user ffkey:ffsecretffsecret \
    -H "x-amz-content-sha256: $(printf '' | sha256sum | cut -d' ' -f1)" \
    "http://127.0.0.1:$port/test" >>"$folder/log/out" 2>&1
echo "http://127.0.0.1:$port"
wait -n "${pids[@]}"
exit 1
