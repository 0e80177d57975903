#!/usr/bin/env node
// The command line: runs a command, and turns what it throws into a message and an exit code.
import { CommanderError } from "commander";
import { createProgram } from "./commands/program.ts";
import { exitCode, TargetLost, UsageError } from "./schema/errors.ts";

// A reader such as `head` may leave early: the run goes on, writes its files and keeps its exit code.
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
    const { escapeTerminal } = await import("./report/escape.ts");
    process.stderr.write(`wsproof: ${escapeTerminal(error.message)}\n`);
    process.exitCode = exitCode.couldNotRun;
  } else {
    throw error;
  }
}
