# Completion of yroom for bash. Where yroom suggests nothing, bash completes names of files.

_yroom() {
  local line=${COMP_LINE:0:COMP_POINT} words word suggestion
  read -ra words <<<"$line" # COMP_WORDS has --store=sqlite:yroom.db as five words
  [[ $line == *[[:space:]] ]] && words+=('')
  word=${words[${#words[@]} - 1]}
  COMPREPLY=()
  while IFS=$'\t' read -r suggestion _; do
    COMPREPLY+=("${suggestion#"${word%"$2"}"}") # $2 is the part of the word that bash completes
  done < <("${1/#\~/$HOME}" complete -- "${words[@]:1}" 2>/dev/null)
}

complete -o default -F _yroom yroom
