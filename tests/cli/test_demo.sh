#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tools/demo with the command that is built: its main job on files, and where $FF_S3_URL is set on that
# server, which says the same.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "$0")/tap.sh"
unset FF_STORAGE
export FF

demo() { # ARGUMENT...: to $out and $err
    "$FF_SOURCE/tools/demo" "$@" >.out 2>.err </dev/null
    code=$?
    out=$(cat .out) err=$(cat .err)
}
part() { # VERB: what that command printed
    awk -v verb="ff $1 " '/^\$ / { line = $0; sub(/ -S [^ ]*/, "", line); on = index(line " ", verb); next }
        /Try next:$/ { exit } on && NF' .out
}
ends_well() { # WHAT
    [ "$code" -eq 0 ] && [ -s january.npy ]
    result $? "$1"
}

demo ./shop
ends_well 'on files'
check 'saves there' test -f shop/climate/sst
like 'tells where' "$out" '*The store is an ordinary folder: ./shop. Try next:*'
cp january.npy files.npy
on_files=$(part ls; part show)
like 'shows the task' "$on_files" '*climate*sst*90, 180*'
january=$((90 * 180 * 4))
is 'reads the month of January' "$(tail -c $january january.npy | sha256sum)" \
    "$(tail -c $((12 * january)) "$FF_SOURCE/tests/data/coads_sst.npy" | head -c $january | sha256sum)"
demo ./shop
ends_well 'again'
for wrong in '--s3' '--s3 ftp://x' '--s3 http://x bucket' '--s3 http://x / y' '--other' 'a b'; do
    # shellcheck disable=SC2086 # words
    demo $wrong
    is "refused: demo $wrong" "$code" 2
    like 'says how' "$err" 'demo *DIR*--s3 URL*'
done

if [ -z "${FF_S3_URL:-}" ]; then
    skip 'on a server' "no server: tests/servers/with.sh starts one"
    finish
    exit
fi
path=/test/demo$RANDOM$RANDOM
rm january.npy
demo --s3 "$FF_S3_URL" "$path"
[ "$code" -ne 0 ] && [ ! -e january.npy ]
result $? 'without a key it fails'
like 'and says what is missing' "$err" '*AWS_ACCESS_KEY_ID*'
export AWS_ACCESS_KEY_ID=ffkey AWS_SECRET_ACCESS_KEY=ffsecretffsecret
demo --s3 "$FF_S3_URL" "$path"
ends_well 'on a server'
like 'tells where' "$out" "*The store is $path at $FF_S3_URL. Try next:*export 'FF_STORAGE={*"
is 'says the same' "$(part ls; part show)" "$on_files"
check 'reads the same' cmp january.npy files.npy
check 'tells no secret' bash -c '! grep -q ffsecret .out .err'
"$FF" -S "{\"kind\": \"S3\", \"options\": {\"path\": \"$path\", \"s3fs\": {\"endpoint_url\": \"$FF_S3_URL\"}}}" \
    verify --deep climate >/dev/null
result $? 'it is there'
demo --s3 "$FF_S3_URL" "$path"
ends_well 'again'
demo --s3 "$FF_S3_URL" /none-of-this-name/x
[ "$code" -ne 0 ]
result $? 'a bucket that is not there'
like 'is named' "$err" '*none-of-this-name*'
finish
