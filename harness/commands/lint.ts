// wsproof lint
import type { Command } from "commander";

export function registerLint(program: Command): void {
  program.command("lint");
}
