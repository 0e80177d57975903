#!/usr/bin/env node
// The command line: runs a command, and turns what it throws into words and an exit code.
import { CommanderError } from "commander";
import { exitCode, TargetLost, UsageError } from "./errors.ts";
import { createProgram } from "./program.ts";

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
