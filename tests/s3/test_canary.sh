#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Secrets of S3 stand in no output, at no level, and in no command line of ff, wherever they came
# from and however it ends. Needs the server of faults: ../servers/with.sh fault THIS.
# shellcheck source-path=SCRIPTDIR source=../cli/tap.sh
. "$(dirname "$0")/../cli/tap.sh"

secret=ffsecretffsecret token=canarytokencanary wrong=canarywrongcanary
secrets="${secret:0:8}|${token:0:8}|${wrong:0:8}|Signature="
port=${FF_S3_URL##*:}

tell() { # LINE: to the server
    exec 3<>"/dev/tcp/127.0.0.1/$port"
    echo "$1" >&3
    head -n 1 <&3 >"$work/.told"
    exec 3>&-
}

storage() { # URL [MEMBERS]
    printf '{"kind": "S3", "options": {"path": "/test/canary", "s3fs": {"endpoint_url": "%s"%s,
        "config_kwargs": {"connect_timeout": 2, "retries": {"max_attempts": 0}}}}}' "$1" "${2:-}"
}

# Each makes $work/s3.json and what else says who we are, with the secret $1 at the server $2.
from_file() { storage "$2" ", \"key\": \"ffkey\", \"secret\": \"$1\", \"token\": \"$token\"" >s3.json; }
from_env() {
    storage "$2" >s3.json
    export AWS_ACCESS_KEY_ID=ffkey AWS_SECRET_ACCESS_KEY=$1 AWS_SESSION_TOKEN=$token
}
from_profile() {
    storage "$2" ', "profile": "lab"' >s3.json
    mkdir -p .aws
    printf '[lab]\naws_access_key_id = ffkey\naws_secret_access_key = %s\naws_session_token = %s\n' \
        "$1" "$token" >.aws/credentials
}
from_program() {
    storage "$2" ', "profile": "lab"' >s3.json
    mkdir -p .aws
    rm -f .aws/credentials
    printf '{"Version": 1, "AccessKeyId": "ffkey", "SecretAccessKey": "%s", "SessionToken": "%s"}\n' \
        "$1" "$token" >answer
    cat >program <<PROGRAM
#!/bin/sh
cat "/proc/\$PPID/cmdline" "/proc/\$\$/cmdline" "/proc/\$\$/environ" >>"$work/processes"
cat "$work/answer"
PROGRAM
    chmod +x program
    printf '[profile lab]\ncredential_process = %s/program\n' "$work" >.aws/config
}

silent() { # WHAT: the last run told nobody
    ! grep -aqE "$secrets" .out .err
    result $? "$1"
}

ends() { # WHAT CODE ARGUMENT...: of every level
    local what=$1 want=$2 level
    shift 2
    for level in -q '' -v --json; do
        # shellcheck disable=SC2086 # one option or none
        run $level -S @s3.json "$@"
        [ "$code" -eq "$want" ]
        result $? "$what ${level:-plainly}: ends with $want"
        silent "$what ${level:-plainly}: tells no secret"
    done
}

echo '"x"' >x.json
for source in file env profile program; do
    (
        points=$(cat .points 2>/dev/null || echo 0)
        "from_$source" "$secret" "$FF_S3_URL"
        ends "$source, saved" 0 put wf/task x.json
        ends "$source, listed" 0 ls wf
        tell '!arm echo ANY 1000000 0 '
        ends "$source, the server says the secret" 1 ls wf
        tell '!arm status_503 ANY 1000000 0 '
        ends "$source, the server is busy" 7 ls wf
        tell '!off'
        "from_$source" "$wrong" "$FF_S3_URL"
        ends "$source, a wrong secret" 6 ls wf
        "from_$source" "$secret" http://127.0.0.1:1
        ends "$source, no server" 7 ls wf
        echo "$points" >.points
    )
    points=$(cat .points)
done

[ -s processes ] && ! grep -aqE "$secrets" processes
result $? 'no command line of ff and of what it started has a secret'

from_file "$secret" "$FF_S3_URL"
sed -i 's/"token": "[^"]*"/"token": ["'$token'"]/' s3.json
ends 'a token that is no text' 2 ls wf
from_file "$secret" "http://user:$wrong@127.0.0.1:$port"
ends 'a password in the URL' 2 ls wf
from_program "$secret" "$FF_S3_URL"
echo "{\"AccessKeyId\": \"$secret\", \"SecretAccessKey\": $token" >answer
ends 'a program that says nonsense' 6 ls wf
echo "1..$points"
