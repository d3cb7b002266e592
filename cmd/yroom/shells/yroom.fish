# Completion of yroom for fish. Where yroom suggests nothing, fish completes names of files.

function __yroom_complete
    set -l words (commandline --cut-at-cursor --current-process --tokenize)
    set -l word (commandline --cut-at-cursor --current-token)
    set -l suggestions ($words[1] complete -- $words[2..] "$word" 2>/dev/null)
    if set -q suggestions[1]
        printf '%s\n' $suggestions
    else if string match --quiet -- '-*=*' "$word"
        set -l flag (string split --max 1 = -- "$word")
        printf "$flag[1]=%s\n" (__fish_complete_path "$flag[2]")
    else
        __fish_complete_path "$word"
    end
end

complete --command yroom --no-files --arguments '(__yroom_complete)'
