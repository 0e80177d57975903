// What programs import from "wsproof": a verification as a function, for vitest, node:test or a script of one's own.
import picocolors from "picocolors";
import type { Report } from "./conformance/result.ts";
import { type Flags, loadSettings } from "./conformance/settings.ts";
import { drawSeed, runVerification } from "./conformance/verify.ts";
import { createReport } from "./report/json.ts";

export type { Failure, Level, PhaseName, Report, RuleResult, Verdict } from "./conformance/result.ts";
export { exitCode, TargetLost, UsageError } from "./schema/errors.ts";

/** Settings of wsproof.config.yaml in the current folder count as well; what is given here wins. */
export interface VerifyOptions {
  /** ws: or wss: URLs of the nodes of one service. Default: our own reference server, started for the run. */
  readonly url?: string | readonly string[] | undefined;
  /** Path of the AsyncAPI document. Default: the one of rooms.v1. */
  readonly spec?: string | undefined;
  /** Whose send and receive the document speaks of. Default: what it says itself, else server. */
  readonly perspective?: "server" | "client" | undefined;
  /** Path of a file with x- keys for a document that is not yours. */
  readonly overlay?: string | undefined;
  /** Path of the settings. Default: wsproof.config.yaml, where there is one. */
  readonly config?: string | undefined;
  /** One of: a secret that JWTs are minted with, ready tokens, a command that prints one for the user $WSPROOF_USER. */
  readonly auth?: { readonly secret?: string; readonly tokens?: readonly string[]; readonly command?: string } | undefined;
  /** The Origin header of all handshakes. */
  readonly origin?: string | undefined;
  /** Accept a TLS certificate that cannot be verified. Default false. */
  readonly insecure?: boolean | undefined;
  /** The server's process, for the phase shutdown. */
  readonly pid?: number | undefined;
  /** A command that asks the server to stop, for the phase shutdown. */
  readonly stopCommand?: string | undefined;
  /** Ids of rules, or beginnings of them. Default: all. */
  readonly only?: readonly string[] | undefined;
  /** Names of phases. Default: all. */
  readonly phases?: readonly string[] | undefined;
  /** Of everything random, 0 to 2147483647. Default: drawn, and in the report. */
  readonly seed?: number | undefined;
  /** Random cases of a phase, 1 to 1000000. Default 100. */
  readonly runs?: number | undefined;
  /** How long to wait for what must come, 1 to 600000 ms. Default 5000. */
  readonly timeoutMs?: number | undefined;
  /** Start so many nodes of the reference server behind a Redis of their own, and judge them: 1 to 16. Needs redis-server, and no url. */
  readonly nodes?: number | undefined;
  /**
   * How often to kill, pause or cut off one of the nodes while the phase cluster runs, 1 to 100000; true: 12 times.
   * Default: not at all. Where there is an nginx, it stands before them as one more way to them. It needs no url; `nodes` is then 3 and `phases` the phase cluster, unless given.
   */
  readonly faults?: number | true | undefined;
  /** How many messages are acknowledged while faults are planted, 1 to 10000000. Default 5000. Needs `faults`. */
  readonly messages?: number | undefined;
  /** SHOULD counts, and so does what could not be tested. Default false. */
  readonly strict?: boolean | undefined;
  /** Path of a YAML list of known failures, { id, reason }. */
  readonly baseline?: string | undefined;
  /** Paths of reports to write. */
  readonly reports?:
    | { readonly json?: string; readonly junit?: string; readonly html?: string; readonly history?: string }
    | undefined;
  /** Gets what the command would print, piece by piece. Default: nothing is printed. */
  readonly print?: ((text: string) => void) | undefined;
}

/**
 * Judges a server by its AsyncAPI document, as `wsproof verify` does, and hands back what `--json` writes.
 * A server that breaks its contract is a report with `exitCode` 1 and the failures in `rules`, not an exception.
 * @throws UsageError where an option cannot be used, TargetLost where there is nobody to judge
 */
export async function verify(options: VerifyOptions = {}): Promise<Report> {
  const { url = [], print } = options;
  const settings = loadSettings(typeof url === "string" ? [url] : url, asFlags(options), drawSeed());
  const listener = { write: (text: string) => print?.(text), live: false, palette: picocolors.createColors(false) };
  return createReport(await runVerification(settings, listener));
}

/** The same as the command line says it, so that both are checked by the same code and in the same words. */
function asFlags(options: VerifyOptions): Flags {
  const { spec, perspective, overlay, config, auth, origin, insecure, pid, stopCommand } = options;
  const { only, phases, seed, runs, timeoutMs, nodes, faults, messages, strict, baseline, reports } = options;
  const flags = {
    ...{ spec, perspective, overlay, config, origin, insecure, stopCommand, only, strict, baseline },
    ...{ authSecret: auth?.secret, authToken: auth?.tokens, authCommand: auth?.command },
    ...{ phase: phases, pid: asText(pid), seed: asText(seed), runs: asText(runs), timeout: asText(timeoutMs) },
    ...{ nodes: asText(nodes), faults: faults === true ? true : asText(faults), messages: asText(messages) },
    ...reports,
  };
  return Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
}

function asText(value: number | undefined): string | undefined {
  return value === undefined ? undefined : String(value);
}
