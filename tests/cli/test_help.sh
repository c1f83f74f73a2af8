#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What ff says of itself, and how it reads a command line. Nothing here needs a storage.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "$0")/tap.sh"

verbs='ls du show info get put cp rm mv verify gc plugin store config completion version help'

good 'no argument prints the help'
all=$out
good 'help prints it too' help
is 'they are the same' "$out" "$all"
good '--help, too' --help
is 'it is the same' "$out" "$all"
like 'an example comes first' "$all" '  $ ff *'
check 'no line is longer than 90 columns' awk 'length > 90 { exit 1 }' .out

for verb in $verbs; do
    like "help lists $verb" "$all" "*"$'\n'"  $verb *"
    good "help $verb" help "$verb"
    of_verb=$out
    like "help $verb: an example comes first" "$of_verb" "  \$ *ff *"
    good "$verb --help" "$verb" --help
    is "$verb --help is help $verb" "$out" "$of_verb"
    good "-h $verb" -h "$verb"
    is "-h $verb is help $verb" "$out" "$of_verb"
    check "help $verb: no line is longer than 90 columns" awk 'length > 90 { exit 1 }' .out
done

good 'version' version
like 'version has a number' "$out" 'ff [0-9]*.[0-9]*.[0-9]* (library *)'
version=$out
good '--version' --version
is '--version is version' "$out" "$version"
good 'version --json' version --json
json_is 'it is JSON' "d['version'], d['ff'] == '$(cut -d' ' -f2 <<<"$version")'" '(1, True)'

bad 2 '*verb lss*fix: did you mean ff ls?' lss
bad 2 '*verb verfy*did you mean ff verify?' verfy
bad 2 '*verb frobnicate*fix: ff help lists the verbs' frobnicate
good 'a word behind the verb' help plugin new
like 'is explained with it' "$out" '*new NAME*'
bad 2 '*verb shwo*did you mean ff help show?' help shwo
bad 2 '*option --jsn*did you mean --json?' ls --jsn
bad 2 '*option -Z*fix: *' ls -Z
bad 2 '*ff ls has no option --deep*ff verify*' ls --deep
bad 2 '*ff verify has no option --output*ff get*' verify -o x
bad 2 '*--as needs a value: FORMAT*' get a/b --as
bad 2 '*-o needs a value: FILE*' get a/b -o
bad 2 '*--json takes no value*' ls --json=yes
bad 2 '*ff get needs ADDRESS*fix: ff get *' get
bad 2 '*one word too many: c*' mv a/a b/b c
bad 2 '*one word too many: y*' version y
bad 2 '*--color sometimes*auto, always or never' ls --color sometimes
bad 2 '*--threads 0*' ls --threads 0
bad 2 '*--threads many*' ls --threads many
bad 2 '*not a size: lots*256M*' ls --memory lots
bad 2 '*--durability half*full or none' ls --durability half
bad 2 '*shell tcsh*' completion tcsh
bad 2 '*ff plugin lst*did you mean ff plugin list?' plugin lst
bad 2 '*ff plugin list takes no argument*' plugin list x
bad 2 '*ff plugin info needs one argument*' plugin info
bad 2 '*ff config shw*did you mean ff config show?' config shw
bad 2 '*verb --*' -- --json

run ls --no-such-option
is 'an error has no colour in a pipe' "$(tr -dc '\033' <.err)" ''
run ls --color always --threads 0
like '--color always: an error is coloured' "$err" $'\033[31mff:\033[0m *'
run --color=always help ls
like '--color always: help is bold' "$out" $'*\033[1mff *'

"$FF" help >/dev/full 2>.err
is 'a full standard output is exit 1' $? 1
like 'and is told' "$(cat .err)" 'ff: standard output: cannot write: *'
"$FF" help >&- 2>.err
is 'a closed standard output is exit 1' $? 1
finish
