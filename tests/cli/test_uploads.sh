#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ff gc on $FF_S3_URL: uploads that nobody completed.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "$0")/tap.sh"

prefix=up$RANDOM$RANDOM
store="{\"kind\": \"S3\", \"options\": {\"path\": \"/test/$prefix\", \"s3fs\": {\"endpoint_url\": \"$FF_S3_URL\", \"key\": \"ffkey\", \"secret\": \"ffsecretffsecret\"}}}"
owned=9f1c8f1e-32a1-4d6c-8f3e-0123456789ab
ask() { # METHOD KEY-AND-QUERY
    curl -sS -X "$1" --aws-sigv4 aws:amz:us-east-1:s3 --user ffkey:ffsecretffsecret \
        -H "x-amz-content-sha256: $(printf '' | sha256sum | cut -d' ' -f1)" "$FF_S3_URL/test$2"
}
begin() { ask POST "/$prefix/$1?uploads=" >/dev/null; }
open_uploads() { ask GET "?uploads=" | grep -o "<Key>$prefix/[^<]*" | sed "s|<Key>$prefix/||" | sort; }
findings() { # ARGUMENT...: what gc says of uploads
    run -S "$store" gc --grace 0 --json "$@"
    [ "$code" -eq 0 ] || echo "exit $code: $err"
    json "sorted((f['name'], f['removed']) for f in d['findings'] if f['what'] == 'upload')"
}

npy a.npy '40, 60'
"$FF" -q -S "$store" put wf/a a.npy
"$FF" -q -S "$store" put other/a a.npy
begin "wf/bigdata/dask_arrays/$owned/0.0"
begin "wf/bigdata/$owned"
begin 'wf/bigdata/theirs'
begin "other/bigdata/$owned"
sleep 2.1 # until the server's clock of whole seconds says so
is 'four were begun' "$(open_uploads | wc -l)" 4
is 'of a workflow' "$(findings wf)" "[('$owned', False), ('dask_arrays/$owned/0.0', False)]"
is 'nothing is done' "$(open_uploads | wc -l)" 4
is 'a grace spares them' "$(findings --grace 1h wf)" '[]'
is '-y' "$(findings -y wf)" "[('$owned', True), ('dask_arrays/$owned/0.0', True)]"
is 'ends those' "$(open_uploads)" "other/bigdata/$owned
wf/bigdata/theirs"
is 'again' "$(findings -y wf)" '[]'
is 'of the storage' "$(findings -y)" "[('$owned', True)]"
run -S "$store" get wf/a -o b.npy
check 'the task is there' cmp a.npy b.npy
run rm -r "$store:wf" "$store:other"
finish
