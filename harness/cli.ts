#!/usr/bin/env node
// The command line: runs a command, and turns what it throws into a message and an exit code.

// A reader such as `head` may leave early: the run goes on, writes its files and keeps its exit code.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}

const words = process.argv.slice(2);
if (words.length === 1 && (words[0] === "--help" || words[0] === "-h")) {
  const { topHelp } = await import("./commands/top-help.ts");
  process.stdout.write(topHelp());
} else {
  await runCommand();
}

async function runCommand(): Promise<void> {
  const [{ CommanderError }, { createProgram }, { exitCode, TargetLost, UsageError }] = await Promise.all([
    import("commander"),
    import("./commands/program.ts"),
    import("./schema/errors.ts"),
  ]);
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
}
