#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The dictionary that s3fs takes, key by key. Needs the server of faults: ../servers/with.sh fault THIS.
# shellcheck source-path=SCRIPTDIR source=../cli/tap.sh
. "$(dirname "$0")/../cli/tap.sh"

port=${FF_S3_URL##*:}
unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_PROFILE AWS_REGION AWS_DEFAULT_REGION
mkdir -p .aws
printf '[lab]\naws_access_key_id = ffkey\naws_secret_access_key = ffsecretffsecret\n' >.aws/credentials
printf '[profile lab]\nregion = lab-1\n' >.aws/config
echo '{"x": 1}' >x.json
: >certificates.pem

ask() { # LINE: to the server; its answer
    exec 3<>"/dev/tcp/127.0.0.1/$port"
    echo "$1" >&3
    head -n 1 <&3
    exec 3>&-
}

header() { # NAME: of the last PUT
    ask "!header PUT $1"
}

use() { # MEMBERS-OF-s3fs [MEMBERS-OF-options]: a put, with @URL@ for the server
    local members=${1//@URL@/$FF_S3_URL}
    run -S "{\"kind\": \"S3\", \"options\": {\"path\": \"/test/dictionary\", \"s3fs\": {$members}${2:-}}}" put wf/x x.json
}

who='"key": "ffkey", "secret": "ffsecretffsecret"'
where='"endpoint_url": "@URL@"'
once='"config_kwargs": {"connect_timeout": 2, "retries": {"max_attempts": 0}}'

# exit code | what standard error is like | members | a header of the last PUT | what is in it
while IFS='|' read -r want said members name part; do
    use "$members"
    # shellcheck disable=SC2053 # a pattern
    [ "$code" = "$want" ] && [[ $err == $said ]] && [[ -z $name || $(header "$name") == *"$part"* ]]
    result $? "$members"
done <<TABLE
0||$where, $who
0||$where, "username": "ffkey", "password": "ffsecretffsecret"
0||$where, "client_kwargs": {"aws_access_key_id": "ffkey", "aws_secret_access_key": "ffsecretffsecret"}
0||$who, "client_kwargs": {$where}
0||$where, "profile": "lab"|authorization|/lab-1/s3/
0||$where, $who, "token": "session"|x-amz-security-token|session
0||$where, $who, "client_kwargs": {"aws_session_token": "session"}|x-amz-security-token|session
0||$where, $who, "anon": false
6|*|$where, $who, "anon": true, $once
6|*|$where, $who, "config_kwargs": {"signature_version": "UNSIGNED", "retries": {"max_attempts": 0}}
0||$where, $who, "config_kwargs": {"signature_version": "s3v4"}
0||$where, $who, "use_ssl": false
0||$where, $who, "client_kwargs": {"use_ssl": false}
0||$where, $who, "client_kwargs": {"region_name": "moon-1"}|authorization|/moon-1/s3/
0||$where, $who, "config_kwargs": {"region_name": "moon-2"}|authorization|/moon-2/s3/
0||$where, $who, "requester_pays": true|x-amz-request-payer|requester
0||$where, $who, "s3_additional_kwargs": {"ServerSideEncryption": "AES256"}|x-amz-server-side-encryption|AES256
0||$where, $who, "s3_additional_kwargs": {"ACL": "private"}|x-amz-acl|private
0||$where, $who, "s3_additional_kwargs": {"SSEKMSKeyId": "k1"}|x-amz-server-side-encryption-aws-kms-key-id|k1
0||$where, $who, "client_kwargs": {"verify": false}
0||$where, $who, "client_kwargs": {"verify": true}
0||$where, $who, "config_kwargs": {"max_pool_connections": 3, "connect_timeout": 2, "read_timeout": 2}
0||$where, $who, "config_kwargs": {"retries": {"max_attempts": 1, "mode": "adaptive"}}
0||$where, $who, "config_kwargs": {"retries": {"total_max_attempts": 2}}
0||$where, $who, "config_kwargs": {"s3": {"addressing_style": "path"}}|host|127.0.0.1:
0||$where, $who, "config_kwargs": {"s3": {"addressing_style": "auto"}}|host|127.0.0.1:
0||$where, $who, "config_kwargs": {"s3": {"payload_signing_enabled": true}}
0||$where, $who, "config_kwargs": {"request_checksum_calculation": "when_required", "response_checksum_validation": "when_required", "tcp_keepalive": true}
0||$where, $who, "default_block_size": 5242880, "default_fill_cache": false, "default_cache_type": "none", "version_aware": false
0||$where, $who, "cache_regions": false, "asynchronous": false, "use_listings_cache": false, "skip_instance_cache": true, "max_concurrency": 4, "batch_size": 8
0|*warning*no_such_key*|$where, $who, "no_such_key": 1
0|*warning*no_such_key*|$where, $who, "client_kwargs": {"no_such_key": 1}
0|*warning*no_such_key*|$where, $who, "config_kwargs": {"no_such_key": 1}
1|*NoSuchKey*not supported*|$where, $who, "s3_additional_kwargs": {"NoSuchKey": "x"}
2|*key*|$where, "key": 7, "secret": "x"
2|*anon*|$where, $who, "anon": "yes"
2|*client_kwargs*|$where, $who, "client_kwargs": []
2|*endpoint*|"endpoint_url": "ftp://127.0.0.1", $who
6|*|$where, "key": "ffkey", "secret": "another", $once
6|*|$where, "key": "another", "secret": "ffsecretffsecret", $once
TABLE
use "$where" ', "s3fs_typo": {}'
like 'a key of options that is none' "$err" '*s3fs_typo*'
use "$where"
[ "$code" -ne 0 ] && [[ $err == *instance_metadata* ]]
result $? 'without credentials the error names instance_metadata'
AWS_ACCESS_KEY_ID=ffkey AWS_SECRET_ACCESS_KEY=ffsecretffsecret AWS_REGION=env-1 use "$where"
is 'the environment says who' "$code" 0
like 'and where' "$(header authorization)" '*/env-1/s3/*'
AWS_ENDPOINT_URL_S3=$FF_S3_URL use "$who"
is 'the environment says the endpoint' "$code" 0

export AWS_CONTAINER_CREDENTIALS_FULL_URI=$FF_S3_URL/-credentials
use "$where"
is "a container's service without leave" "$code $(ask '!asked')" '6 0'
use "$where" ', "instance_metadata": true'
is 'with leave' "$code $(ask '!asked')" '0 1'
like 'its token is sent' "$(header x-amz-security-token)" tokentoken
use "$where, $who" ', "instance_metadata": true'
is 'it is the last one to be asked' "$code $(ask '!asked')" '0 1'
AWS_CONTAINER_CREDENTIALS_FULL_URI=http://192.0.2.1/c use "$where" ', "instance_metadata": true'
[ "$code" -ne 0 ] && [[ $err == *AWS_CONTAINER_CREDENTIALS_FULL_URI* ]]
result $? 'a service elsewhere, in plain, is refused'
unset AWS_CONTAINER_CREDENTIALS_FULL_URI
AWS_EC2_METADATA_DISABLED=true use "$where" ', "instance_metadata": true'
[ "$code" -ne 0 ] && [[ $err == *AWS_EC2_METADATA_DISABLED* ]]
result $? "the environment forbids to ask the instance's"

use "\"endpoint_url\": \"http://0.0.0.0:$port\", $who"
is 'http beyond loopback works' "$code" 0
is 'with one warning' "$(grep -c 'not encrypted' .err)" 1
finish
