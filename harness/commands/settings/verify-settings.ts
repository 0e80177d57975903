// The settings of a verification: what was given, then wsproof.config.yaml, then defaults. Every mistake names the option or the line.
import { UsageError } from "../../schema/errors.ts";
import { checkValues, type Naming } from "./check-values.ts";
import { loadConfig } from "./config-file.ts";
import { type Given, type Settled, withDefaults } from "./option.ts";
import { checkUrls } from "./urls.ts";
import { verifyOptions } from "./verify-options.ts";

export type VerifyGiven = Given<typeof verifyOptions>;

export interface VerifySettings extends Omit<Settled<typeof verifyOptions>, "url" | "faults" | "auth" | "reports"> {
  /** Empty: our own reference server, started for the run. */
  readonly urls: readonly string[];
  readonly auth: NonNullable<VerifyGiven["auth"]>;
  readonly reports: NonNullable<VerifyGiven["reports"]>;
  readonly phases: readonly string[];
  readonly seed: number;
  readonly faults: number | undefined;
  readonly messages: number;
  /** What was given, without the config file: a command that reproduces the run repeats it. */
  readonly given: VerifyGiven;
}

const faultNodes = 3;
const faultMessages = 5_000;

/**
 * @param given flags or the API's options
 * @param naming how messages name them
 * @param seed used where none is given: the caller draws it, so that this stays pure
 * @throws UsageError
 */
export function loadVerifySettings(given: VerifyGiven, naming: Naming, seed: number): VerifySettings {
  checkValues(verifyOptions, given, { naming });
  const file = loadConfig(given.config, "verify") as VerifyGiven;
  const isGiven = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as VerifyGiven;
  const settled = withDefaults(verifyOptions, { ...file, ...isGiven });
  const nameOf = (flag: string, key: string) => (naming === "flag" ? flag : key);
  const urls = checkUrls(settled.url ?? []);
  const faults = settled.faults as number | undefined;
  const nodes = settled.nodes ?? (faults === undefined ? undefined : faultNodes);
  if (nodes !== undefined && urls.length > 0) {
    const asked = settled.nodes === undefined ? nameOf("--faults", "faults") : nameOf("--nodes", "nodes");
    throw new UsageError(`${asked} starts reference-server nodes, but a URL is given (${urls[0]}). Leave out one of them.`);
  }
  if (settled.messages !== undefined && faults === undefined)
    throw new UsageError(`${nameOf("--messages needs --faults", "messages needs faults")}`);
  return {
    ...settled,
    urls,
    nodes,
    faults,
    auth: settled.auth ?? {},
    reports: settled.reports ?? {},
    // Faults leave only the promises of the cluster testable.
    phases: settled.phases ?? (faults === undefined ? [] : ["cluster"]),
    seed: settled.seed ?? seed,
    messages: settled.messages ?? faultMessages,
    given: isGiven,
  };
}

/** A seed for a run that was given none. */
export function drawSeed(): number {
  return Date.now() % 1_000_000;
}
