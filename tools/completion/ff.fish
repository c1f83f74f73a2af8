# SPDX-License-Identifier: Apache-2.0
# fish completion of ff: verbs, options, workflows, tasks, plugins and files.

function __ff_command # ff with the options that say which store is meant
    set -l words (commandline -opc)
    set -l out $words[1] -q
    for i in (seq 2 (count $words))
        switch $words[$i]
            case -S --storage --config --plugin-path
                set -l next (math $i + 1)
                set -a out $words[$i] $words[$next]
        end
    end
    printf '%s\n' $out
end

function __ff_verb
    set -l words (commandline -opc)
    set -e words[1]
    while set -q words[1]
        switch $words[1]
            case -S --storage --config --plugin-path --color --threads --memory --durability \
                -o --output --as --chunks --compression --grace --assume-lost --options --value --with \
                --kind --lang --build
                set -e words[1]
            case '-*'
            case '*'
                echo $words[1]
                return
        end
        set -e words[1]
    end
end

function __ff_is
    contains -- (__ff_verb) $argv
end

function __ff_no_verb
    test -z (__ff_verb)
end

function __ff_names # workflows, or, behind WORKFLOW/, its tasks
    set -l ff (__ff_command)
    set -l word (commandline -ct)
    if string match -q '*/*' -- $word
        set -l workflow (string split -m 1 / -- $word)[1]
        $ff ls $workflow 2>/dev/null | string replace -r '^' $workflow/
    else
        $ff ls 2>/dev/null | string replace -r '$' /
    end
end

function __ff_plugins
    set -l ff (__ff_command)
    $ff plugin list 2>/dev/null | awk 'NR > 1 && !/^ / { print $1 }'
end

function __ff_stores
    set -l ff (__ff_command)
    $ff store list 2>/dev/null | awk '{ print $1 }'
end

complete -c ff -n __ff_no_verb -f -a ls -d 'list workflows, or the tasks of one'
complete -c ff -n __ff_no_verb -f -a du -d 'say how much room workflows, or tasks, take'
complete -c ff -n __ff_no_verb -f -a show -d 'print a value as a tree, without the elements of arrays'
complete -c ff -n __ff_no_verb -f -a info -d "say where a task's bytes lie, and how Python opens them"
complete -c ff -n __ff_no_verb -f -a get -d 'write a value, or a part of an array, to a file'
complete -c ff -n __ff_no_verb -f -a put -d 'save a file as a task'
complete -c ff -n __ff_no_verb -f -a diff -d 'say where two tasks or files differ'
complete -c ff -n __ff_no_verb -f -a inspect -d 'say what a pickle file names and calls, running nothing of it'
complete -c ff -n __ff_no_verb -f -a cp -d 'copy tasks with their big data, to any storage'
complete -c ff -n __ff_no_verb -f -a rm -d 'remove tasks with their big data'
complete -c ff -n __ff_no_verb -f -a mv -d 'move tasks with their big data, to any storage'
complete -c ff -n __ff_no_verb -f -a verify -d 'check tasks and their big data'
complete -c ff -n __ff_no_verb -f -a gc -d 'find, and with -y remove, what no task refers to'
complete -c ff -n __ff_no_verb -f -a plugin -d 'look after plugins'
complete -c ff -n __ff_no_verb -f -a store -d 'look after storages'
complete -c ff -n __ff_no_verb -f -a config -d 'look at the configuration'
complete -c ff -n __ff_no_verb -f -a completion -d 'print what makes a shell complete ff'
complete -c ff -n __ff_no_verb -f -a version -d 'print the version'
complete -c ff -n __ff_no_verb -f -a help -d 'explain a verb, or list them'

complete -c ff -s S -l storage -r -d 'a name of the configuration, a folder, JSON, or @FILE'
complete -c ff -l config -r -d 'read this configuration'
complete -c ff -l plugin-path -x -a '(__fish_complete_directories)' -d 'look for plugins here first'
complete -c ff -l json -d 'print JSON'
complete -c ff -s q -l quiet -d 'print errors only'
complete -c ff -s v -l verbose -d 'say more on standard error'
complete -c ff -s n -l dry-run -d 'change nothing, say what would happen'
complete -c ff -s y -l yes -d 'do it, where a verb only reports without it'
complete -c ff -l color -x -a 'auto always never' -d colour
complete -c ff -l threads -x -d 'how many threads work on arrays'
complete -c ff -l memory -x -d 'memory for work on arrays'
complete -c ff -l durability -x -a 'full none' -d 'none: no fsync'
complete -c ff -s h -l help -d 'explain the verb'
complete -c ff -l version -d 'print the version'

complete -c ff -n '__ff_is ls du show info get cp rm mv verify gc' -f -a '(__ff_names)'
complete -c ff -n '__ff_is put' -a '(__ff_names)'
complete -c ff -n '__ff_is get' -s o -l output -r -d 'where to write'
complete -c ff -n '__ff_is get' -l as -x -a 'npy json pkl raw text' -d 'the format'
complete -c ff -n '__ff_is put' -l as -x -a 'npy json pkl' -d 'the format'
complete -c ff -n '__ff_is put' -l chunks -x -a auto -d 'chunk lengths'
complete -c ff -n '__ff_is put' -l inline -d 'keep the array inside the task'
complete -c ff -n '__ff_is put' -l compression -x -a 'deflate none' -d 'deflate:4, or none'
complete -c ff -n '__ff_is put' -l if-absent -d 'fail when the task is there'
complete -c ff -n '__ff_is diff' -F -a '(__ff_names)'
complete -c ff -n '__ff_is inspect' -F
complete -c ff -n '__ff_is inspect' -l opcodes -d 'print each opcode'
complete -c ff -n '__ff_is inspect' -l allow -x -d 'this global is harmless'
complete -c ff -n '__ff_is inspect' -l policy -r -d 'JSON with harmless globals'
complete -c ff -n '__ff_is inspect' -l as -x -a 'pickle joblib' -d 'the format'
complete -c ff -n '__ff_is cp rm mv' -s r -l recursive -d 'a workflow with all in it'
complete -c ff -n '__ff_is cp' -l replace -d 'replace tasks that have another value'
complete -c ff -n '__ff_is verify' -l deep -d 'read every element'
complete -c ff -n '__ff_is gc' -l grace -x -d 'spare what is younger'
complete -c ff -n '__ff_is gc' -l assume-lost -x -d 'go ahead in spite of this unreadable task'
complete -c ff -n '__ff_is plugin' -f -a 'list info install check new enable disable pin unpin which'
complete -c ff -n '__ff_is plugin; and __fish_seen_subcommand_from info install check' -F
complete -c ff -n '__ff_is plugin' -l options -x -d 'its options'
complete -c ff -n '__ff_is plugin' -l value -r -d 'one more value to store'
complete -c ff -n '__ff_is plugin' -l kind -x -a 'serializer protocol' -d 'what it is'
complete -c ff -n '__ff_is plugin' -l lang -x -a 'c c++ rust' -d 'its language'
complete -c ff -n '__ff_is plugin' -l build -x -a 'meson make cmake cargo' -d 'how it is built'
complete -c ff -n '__ff_is plugin' -l with -r -d 'a plugin that this one needs'
complete -c ff -n '__ff_is plugin; and __fish_seen_subcommand_from enable disable pin unpin' -f -a '(__ff_plugins)'
complete -c ff -n '__ff_is store' -f -a 'list add test'
complete -c ff -n '__ff_is store; and __fish_seen_subcommand_from add' -F
complete -c ff -n '__ff_is store; and __fish_seen_subcommand_from test' -f -a '(__ff_stores)'
complete -c ff -n '__ff_is config' -f -a 'show path check'
complete -c ff -n '__ff_is config; and __fish_seen_subcommand_from check' -F
complete -c ff -n '__ff_is completion' -f -a 'bash zsh fish'
complete -c ff -n '__ff_is help' -f -a 'ls du show info get put diff inspect cp rm mv verify gc plugin store config completion version help'
