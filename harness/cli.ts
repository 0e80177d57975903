#!/usr/bin/env node
// The command line. Each command registers itself from commands/ and loads what it needs only when it runs, so that --help is quick.
import { Command, CommanderError } from "commander";
import { registerBench } from "./commands/bench.ts";
import { registerDiff } from "./commands/diff.ts";
import { registerGenerate } from "./commands/generate.ts";
import { registerInit } from "./commands/init.ts";
import { registerLint } from "./commands/lint.ts";
import { registerReplay } from "./commands/replay.ts";
import { registerServe } from "./commands/serve.ts";
import { registerVerify } from "./commands/verify.ts";
import { exitCode, TargetLost, UsageError } from "./errors.ts";

const program = new Command("wsproof")
  .description("Write a WebSocket protocol down once, in AsyncAPI. Prove that a server keeps it.")
  .showHelpAfterError("(wsproof --help, or wsproof COMMAND --help, lists what there is)")
  .exitOverride();

for (const register of [
  registerInit,
  registerVerify,
  registerReplay,
  registerServe,
  registerGenerate,
  registerLint,
  registerDiff,
  registerBench,
])
  register(program);
for (const command of program.commands) command.exitOverride().copyInheritedSettings(program);

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? exitCode.ok : exitCode.couldNotRun;
  } else if (error instanceof UsageError || error instanceof TargetLost) {
    process.stderr.write(`wsproof: ${error.message}\n`);
    process.exitCode = exitCode.couldNotRun;
  } else {
    throw error;
  }
}
