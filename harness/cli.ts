#!/usr/bin/env node
// The command line: runs a command, and turns what it throws into words and an exit code.
import { CommanderError } from "commander";
import { createProgram } from "./commands/program.ts";
import { exitCode, TargetLost, UsageError } from "./schema/errors.ts";

// Whoever read along, such as `head`, may go; the run, its files and its exit code stand.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}

try {
  await createProgram().parseAsync();
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
