// What the compared servers have in common: how each says where it listens, and when it ends. Nothing of their work is shared.

/** Prints the port as JSON, the one line on stdout, and ends with the process that has started us: it holds our stdin. */
export function announcePort(port: number): void {
  process.stdin.on("end", () => process.exit());
  process.stdin.resume();
  process.stdout.write(`${JSON.stringify({ port })}\n`);
}
