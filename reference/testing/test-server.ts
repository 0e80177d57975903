// The test server: the real one with a fault planted in it, to show that the harness finds the fault. Never run it for anything else.
import { switches } from "./test-switches.ts";

const name = process.env.FAULT ?? "";
const chosen = Object.hasOwn(switches, name) ? switches[name] : undefined;
if (process.argv.includes("--help") || chosen === undefined) {
  const lines = Object.entries(switches).map(([one, { about }]) => `  ${one.padEnd(30)}${about}`);
  const wrong = chosen === undefined && !process.argv.includes("--help");
  const head = wrong
    ? `expected FAULT to name one of these, got "${name}"`
    : "FAULT names one of these; FAULT_ARGUMENT says more:";
  process.stderr.write(`test server: ${head}\n${lines.join("\n")}\n`);
  process.exitCode = wrong ? 2 : 0;
  process.disconnect?.();
} else {
  chosen.plant(process.env.FAULT_ARGUMENT ?? "");
  await import("../main.ts");
}
