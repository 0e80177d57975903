// wsproof completion: what a shell needs to complete commands and options.
import type { Command } from "commander";
import { UsageError } from "../schema/errors.ts";

const examples = `
Examples:
  wsproof completion bash > ~/.local/share/bash-completion/completions/wsproof
  wsproof completion zsh > ~/.zfunc/_wsproof    with fpath+=~/.zfunc in ~/.zshrc
  source <(wsproof completion bash)    for this shell only`;

export function registerCompletion(program: Command): void {
  program
    .command("completion")
    .summary("print a completion script for bash or zsh")
    .description("Prints a completion script for bash or zsh with the commands and options of this version.")
    .argument("<shell>", "bash or zsh")
    .addHelpText("after", examples)
    .action(async (shell: string) => {
      const { emitBash, emitZsh } = await import("./completion/complete.ts");
      if (shell !== "bash" && shell !== "zsh") throw new UsageError(`expected bash or zsh, got "${shell}"`);
      process.stdout.write(shell === "bash" ? emitBash(program) : emitZsh(program));
    });
}
