#compdef yroom
# Completion of yroom for zsh. Where yroom suggests nothing, zsh completes names of files.

_yroom() {
  local -a lines suggestions
  local line
  lines=(${(f)"$(${~words[1]} complete -- "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)"})
  for line in $lines; do
    suggestions+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
  done
  if (( $#suggestions )); then
    _describe yroom suggestions
  else
    [[ $PREFIX == -*=* ]] && compset -P '*='
    _files
  fi
}

# As a file of fpath this is the body of the function; otherwise it is run by "source" or "eval".
if [[ $funcstack[1] == _yroom ]]; then
  _yroom "$@"
else
  compdef _yroom yroom
fi
