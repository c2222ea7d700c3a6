/** Shells that completion supports. */
export type Shell = 'bash' | 'zsh';

function functionName(program: string): string {
  return `_${program.replaceAll('-', '_')}`;
}

/** For bash 4 and later. If the program offers nothing but allows files, bash itself completes their names. */
function bashScript(program: string): string {
  const name = functionName(program);
  return `# Completion of ${program} for bash; written by: ${program} completion bash
${name}() {
  local current="" i word
  local -a before=()
  # bash splits --output=yaml into three words.
  for ((i = 1; i <= COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    # Of the word with the cursor, the part before it.
    if ((i == COMP_CWORD)) && [[ $word != = ]]; then word=$2; fi
    if [[ $word == = || ( -n $current && \${COMP_WORDS[i-1]} == = ) ]]; then
      current+=$word
    else
      if ((i > 1)); then before+=("$current"); fi
      current=$word
    fi
  done
  local split=\${current%"\${2#=}"}
  while IFS=$'\\t' read -r word _; do
    case $word in
      :4) compopt +o default ;;
      :*) ;;
      *) COMPREPLY+=("\${word#"$split"}") ;;
    esac
  done < <("\${1/#\\~/$HOME}" __complete "\${before[@]}" "$current" 2> /dev/null)
}
complete -o default -F ${name} ${program}
`;
}

/** For zsh, with descriptions. Works if sourced, and as the file `_PROGRAM` in a folder of `$fpath`. */
function zshScript(program: string): string {
  const name = functionName(program);
  return `#compdef ${program}
# Completion of ${program} for zsh; written by: ${program} completion zsh
${name}() {
  local line
  local -a candidates
  for line in "\${(@f)$(\${~words[1]} __complete "\${(@)words[2,CURRENT-1]}" "$PREFIX" 2> /dev/null)}"; do
    case $line in
      :4) _describe 'completion' candidates ;;
      :*) compset -P '--*='; _files ;;
      *) candidates+=("\${\${line//:/\\\\:}/$'\\t'/:}") ;;
    esac
  done
}
if [[ $funcstack[1] == _${program} ]]; then
  ${name} "$@"
else
  compdef ${name} ${program}
fi
`;
}

/** The script with which a shell asks the program for candidates, through `__complete`. */
export function completionScript(shell: Shell, program: string): string {
  return shell === 'bash' ? bashScript(program) : zshScript(program);
}
