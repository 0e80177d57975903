// wsproof completion: what a shell needs to complete commands and options.
import type { Command } from "commander";
import { UsageError } from "../schema/errors.ts";

const examples = `
Examples:
  wsproof completion bash > ~/.local/share/bash-completion/completions/wsproof
  wsproof completion zsh > ~/.zfunc/_wsproof    with fpath+=~/.zfunc in ~/.zshrc
  wsproof completion fish > ~/.config/fish/completions/wsproof.fish
  wsproof completion powershell >> $PROFILE
  source <(wsproof completion bash)    for this shell only`;

export function registerCompletion(program: Command): void {
  program
    .command("completion")
    .summary("print a completion script for a shell")
    .description("Prints a completion script for a shell with the commands and options of this version.")
    .argument("<shell>", "bash, zsh, fish or powershell")
    .addHelpText("after", examples)
    .action(async (shell: string) => {
      const { emitBash, emitFish, emitPowerShell, emitZsh } = await import("./completion/complete.ts");
      const emitters = new Map([
        ["bash", emitBash],
        ["zsh", emitZsh],
        ["fish", emitFish],
        ["powershell", emitPowerShell],
      ]);
      const emit = emitters.get(shell);
      if (emit === undefined) throw new UsageError(`expected bash, zsh, fish or powershell, got "${shell}"`);
      process.stdout.write(emit(program));
    });
}
