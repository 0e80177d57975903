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

export function emitFish(program: Command): string {
  const none = "not __fish_seen_subcommand_from";
  const names = program.commands.map((command) => command.name()).join(" ");
  const commands = program.commands.map(
    (command) => `complete -c wsproof -n "${none} ${names}" -f -a ${command.name()} -d ${fishQuoted(summary(command))}`,
  );
  const options = program.commands.flatMap((command) =>
    visible(command).map((option) => {
      const value = takesFile(option) ? " -r -F" : takesValue(option) ? " -x" : "";
      return `complete -c wsproof -n "__fish_seen_subcommand_from ${command.name()}" -l ${option.long!.slice(2)}${value} -d ${fishQuoted(option.description)}`;
    }),
  );
  return `# Completion of wsproof for fish, made by: wsproof completion fish\n${[...commands, ...options].join("\n")}\n`;
}

export function emitPowerShell(program: Command): string {
  const entries = program.commands.map((command) => {
    const words = visible(command).map((option) => `      @(${powerQuoted(option.long!)}, ${powerQuoted(option.description)})`);
    return `    ${powerQuoted(command.name())} = @(\n      ${[`@(${powerQuoted("--help")}, ${powerQuoted("display help for command")})`, ...words.map((word) => word.trim())].join(",\n      ")}\n    )`;
  });
  const commands = program.commands.map((command) => `    @(${powerQuoted(command.name())}, ${powerQuoted(summary(command))})`);
  return `# Completion of wsproof for PowerShell, made by: wsproof completion powershell
Register-ArgumentCompleter -Native -CommandName wsproof -ScriptBlock {
  param($word, $ast, $cursor)
  $commands = @(
${commands.join(",\n")}
  )
  $options = @{
${entries.join("\n")}
  }
  $elements = @($ast.CommandElements | ForEach-Object { $_.ToString() })
  $known = if ($elements.Count -gt 1) { $options[$elements[1]] } else { $null }
  $words = if ($null -ne $known) { $known } else { $commands }
  $words | Where-Object { $_[0] -like "$word*" } | ForEach-Object {
    [System.Management.Automation.CompletionResult]::new($_[0], $_[0], 'ParameterValue', $_[1])
  }
}
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
const fishQuoted = (text: string) => `'${text.replaceAll(/[\\']/g, "\\$&")}'`;
const powerQuoted = (text: string) => `'${text.replaceAll("'", "''")}'`;
