// The commands' definitions -> completion scripts. Pure.
import type { Command, Option } from "commander";

/** Values after an option that names a file are completed as files; the rest of the values are the user's own. */
const takesFile = (option: Option) => /<(file|dir)>/.test(option.flags);

export function emitBash(program: Command): string {
  const cases = program.commands.map((command) => {
    const options = visible(command);
    const words = options.flatMap(({ long }) => long ?? []).join(" ");
    const files = options.filter(takesFile).flatMap(({ long }) => long ?? []);
    const values = options.filter((option) => takesValue(option) && !takesFile(option)).flatMap(({ long }) => long ?? []);
    return `    ${command.name()})
      options="${words} --help"
      files="${files.join(" ")}"
      values="${values.join(" ")}"
      ;;`;
  });
  return `# Completion of wsproof for bash, made by: wsproof completion bash
_wsproof() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}"
  local options files values
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${program.commands.map((command) => command.name()).join(" ")} --help" -- "$word"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join("\n")}
  esac
  COMPREPLY=()
  if [[ " $values " == *" $before "* ]]; then return; fi
  if [[ "$word" == -* && " $files " != *" $before "* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$word"))
  else
    COMPREPLY=($(compgen -f -- "$word"))
  fi
}
complete -o filenames -F _wsproof wsproof
`;
}

export function emitZsh(program: Command): string {
  const names = program.commands.map((command) => `    ${quoted(`${command.name()}:${summary(command)}`)}`);
  const cases = program.commands.map((command) => {
    const options = visible(command).map((option) => {
      const value = takesFile(option) ? ":file:_files" : takesValue(option) ? ":value: " : "";
      // A star before it: may be given several times.
      return `        ${quoted(`*${option.long}[${option.description.replace(/[[\]:\\]/g, "\\$&")}]${value}`)} \\`;
    });
    return `    ${command.name()})
      _arguments \\
${options.join("\n")}
        '*:file:_files'
      ;;`;
  });
  return `#compdef wsproof
# Completion of wsproof for zsh, made by: wsproof completion zsh
_wsproof() {
  local -a commands
  commands=(
${names.join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${cases.join("\n")}
  esac
}
if [ "$funcstack[1]" = _wsproof ]; then _wsproof "$@"; else compdef _wsproof wsproof; fi
`;
}

function visible(command: Command): readonly Option[] {
  return command.options.filter(({ hidden, long }) => !hidden && long !== undefined);
}

function takesValue({ required, optional }: Option): boolean {
  return required || optional;
}

function summary(command: Command): string {
  return command.summary() || command.description();
}

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
