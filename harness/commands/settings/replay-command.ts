// The commands that run a failure again, as printed: with the document, the access and the target of the run, and never with a secret in them.
import { emitCommandLine, programName } from "./command-line.ts";
import { replayOptions } from "./replay-options.ts";
import { verifyOptions } from "./verify-options.ts";
import type { VerifySettings } from "./verify-settings.ts";

const shell = () => ({ program: programName(process.argv[1]), env: process.env });

/** Runs one rule again. */
export function replayCommand({ given, seed, faults }: VerifySettings, id: string): string {
  const options: Readonly<Record<string, object>> = verifyOptions;
  const kept = Object.entries(given).filter(([name]) => name !== "reports" && !("transient" in options[name]!));
  const values = { ...Object.fromEntries(kept), only: [id], seed, ...(faults === undefined ? {} : { faults }) };
  return emitCommandLine({ ...shell(), command: "verify" }, verifyOptions, values);
}

/** Runs a stored case again. */
export function replayStoredCommand({ given }: VerifySettings, id: string): string {
  const kept = Object.entries(given).filter(([name]) => name in replayOptions);
  return emitCommandLine({ ...shell(), command: `replay ${id}` }, replayOptions, Object.fromEntries(kept));
}
