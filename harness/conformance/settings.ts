// The settings of a run: flags, then wsproof.config.yaml, then defaults. Every mistake names the option or the line.
import { readFileSync } from "node:fs";
import path from "node:path";
import { LineCounter, parseDocument } from "yaml";
import { isRecord } from "../../spec/raw.ts";
import type { Auth } from "../client/credentials.ts";
import type { ReportFiles } from "../report/write-reports.ts";
import { UsageError } from "../schema/errors.ts";

/** As commander gives them. */
export interface Flags {
  readonly config?: string;
  readonly spec?: string;
  readonly perspective?: string;
  readonly overlay?: string;
  readonly origin?: string;
  readonly authSecret?: string;
  readonly authToken?: readonly string[];
  readonly authCommand?: string;
  readonly only?: readonly string[];
  readonly phase?: readonly string[];
  readonly seed?: string;
  readonly runs?: string;
  readonly timeout?: string;
  readonly insecure?: boolean;
  readonly pid?: string;
  readonly stopCommand?: string;
  readonly nodes?: string;
  readonly faults?: string | true;
  readonly messages?: string;
  readonly strict?: boolean;
  readonly baseline?: string;
  readonly json?: string;
  readonly junit?: string;
  readonly html?: string;
  readonly history?: string;
  readonly list?: boolean;
}

export interface Settings {
  /** Empty: our own reference server, started for the run. */
  readonly urls: readonly string[];
  /** Undefined: the document of rooms.v1. */
  readonly spec: string | undefined;
  readonly perspective: "server" | "client" | undefined;
  readonly overlay: string | undefined;
  readonly origin: string | undefined;
  readonly auth: Auth;
  readonly only: readonly string[];
  readonly phases: readonly string[];
  readonly seed: number;
  readonly runs: number;
  readonly timeoutMs: number;
  readonly insecure: boolean;
  readonly pid: number | undefined;
  readonly stopCommand: string | undefined;
  /** So many nodes of the reference server behind a Redis of the run's own; undefined: one, without Redis. */
  readonly nodes: number | undefined;
  /** Planted while the phase cluster runs on `nodes`. */
  readonly faults: number | undefined;
  /** To be acknowledged while the faults are planted. */
  readonly messages: number;
  readonly strict: boolean;
  readonly baseline: string | undefined;
  readonly reports: ReportFiles;
  readonly list: boolean;
}

export const defaultConfigFile = "wsproof.config.yaml";
export const defaults = { runs: 100, timeoutMs: 5_000, faultNodes: 3, faults: 12, messages: 5_000 } as const;

/** What may stand in the file, and how its values must look. */
const keys = {
  urls: "a list of ws: or wss: URLs",
  spec: "a path",
  perspective: "server or client",
  overlay: "a path",
  origin: "an origin such as https://app.example",
  auth: "an object with one of secret, tokens (a list), command",
  timeoutMs: "a number of milliseconds",
  insecure: "true or false",
  pid: "the id of the target's process",
  stopCommand: "a command line that asks the target to stop",
} as const;

interface FileSettings {
  readonly urls?: readonly string[];
  readonly spec?: string;
  readonly perspective?: string;
  readonly overlay?: string;
  readonly origin?: string;
  readonly auth?: { readonly secret?: string; readonly tokens?: readonly string[]; readonly command?: string };
  readonly timeoutMs?: number;
  readonly insecure?: boolean;
  readonly pid?: number;
  readonly stopCommand?: string;
}

/**
 * @param seed used where --seed is not given: the caller draws it, so that this stays pure
 * @throws UsageError that names the option or file:line, the value, and what was expected
 */
export function loadSettings(urls: readonly string[], flags: Flags, seed: number): Settings {
  const file = loadFile(flags.config);
  const perspective = flags.perspective ?? file.perspective;
  if (perspective !== undefined && perspective !== "server" && perspective !== "client") {
    throw new UsageError(`expected --perspective to be server or client, got "${perspective}"`);
  }
  const auth: Auth =
    flags.authSecret !== undefined || flags.authToken !== undefined || flags.authCommand !== undefined
      ? { secret: flags.authSecret, tokens: flags.authToken, command: flags.authCommand }
      : (file.auth ?? {});
  const allUrls = (urls.length > 0 ? urls : (file.urls ?? [])).map(checkUrl);
  const faults = flags.faults === true ? defaults.faults : integer("--faults", flags.faults, 1, 100_000);
  const nodes = integer("--nodes", flags.nodes, 1, 16) ?? (faults === undefined ? undefined : defaults.faultNodes);
  if (nodes !== undefined && allUrls.length > 0) {
    throw new UsageError(
      `${flags.nodes === undefined ? "--faults" : "--nodes"} starts nodes of our own, but a URL is given (${allUrls[0]}). Leave out one of them.`,
    );
  }
  const messages = integer("--messages", flags.messages, 1, 10_000_000);
  if (messages !== undefined && faults === undefined) throw new UsageError("--messages needs --faults");
  const reports = { json: flags.json, junit: flags.junit, html: flags.html, history: flags.history };
  return {
    urls: allUrls,
    spec: flags.spec ?? file.spec,
    perspective,
    overlay: flags.overlay ?? file.overlay,
    origin: flags.origin ?? file.origin,
    auth,
    only: flags.only ?? [],
    // With faults nothing but what the cluster promises can be judged.
    phases: flags.phase ?? (faults === undefined ? [] : ["cluster"]),
    seed: integer("--seed", flags.seed, 0, 2 ** 31 - 1) ?? seed,
    runs: integer("--runs", flags.runs, 1, 1_000_000) ?? defaults.runs,
    timeoutMs: integer("--timeout", flags.timeout, 1, 600_000) ?? file.timeoutMs ?? defaults.timeoutMs,
    insecure: flags.insecure ?? file.insecure ?? false,
    pid: integer("--pid", flags.pid, 1, 2 ** 31 - 1) ?? file.pid,
    stopCommand: flags.stopCommand ?? file.stopCommand,
    nodes,
    faults,
    messages: messages ?? defaults.messages,
    strict: flags.strict ?? false,
    baseline: flags.baseline,
    reports: Object.fromEntries(Object.entries(reports).filter(([, target]) => target !== undefined)),
    list: flags.list ?? false,
  };
}

function checkUrl(text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new UsageError(`expected a URL such as ws://127.0.0.1:8080/ws, got "${text}"`);
  }
  if (url.protocol === "http:" || url.protocol === "https:") {
    throw new UsageError(`expected a ws: or wss: URL, got "${text}"; write ${text.replace(/^http/, "ws")}`);
  }
  if (url.protocol !== "ws:" && url.protocol !== "wss:") throw new UsageError(`expected a ws: or wss: URL, got "${text}"`);
  return text;
}

function integer(option: string, text: string | undefined, least: number, most: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > most || text.trim() === "") {
    throw new UsageError(`expected ${option} from ${least} to ${most}, got "${text}"`);
  }
  return value;
}

function loadFile(asked: string | undefined): FileSettings {
  const file = asked ?? defaultConfigFile;
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (asked === undefined && (error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw new UsageError(
      `--config ${file} cannot be read (${(error as NodeJS.ErrnoException).code}). Give the path of a YAML file with keys such as ${Object.keys(keys).slice(0, 4).join(", ")}.`,
    );
  }
  return parseConfig(text, file);
}

/**
 * Reads the text of a wsproof.config.yaml.
 * @param file for messages; relative paths in it are taken from where it stands
 */
export function parseConfig(text: string, file: string): FileSettings {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [error] = document.errors;
  if (error !== undefined) throw new UsageError(`${file}:${lines.linePos(error.pos[0]).line}: ${error.message.split("\n")[0]}`);
  const value: unknown = document.toJS();
  if (value === null) return {};
  const at = (...keyPath: string[]) => {
    const node = document.getIn(keyPath, true) as { range?: [number, number, number] } | undefined;
    return `${file}:${node?.range === undefined ? 1 : lines.linePos(node.range[0]).line}`;
  };
  if (!isRecord(value)) throw new UsageError(`${file}: expected an object with ${Object.keys(keys).join(", ")}`);
  for (const [key, member] of Object.entries(value)) {
    if (!(key in keys)) throw new UsageError(`${at(key)}: unknown key "${key}"; there are ${Object.keys(keys).join(", ")}`);
    const name = key as keyof typeof keys;
    if (!fits(name, member))
      throw new UsageError(`${at(key)}: expected ${name} to be ${keys[name]}, got ${JSON.stringify(member)}`);
  }
  const settings = value as FileSettings;
  const beside = (relative: string) => path.resolve(path.dirname(file), relative);
  return {
    ...settings,
    ...(settings.spec === undefined ? {} : { spec: beside(settings.spec) }),
    ...(settings.overlay === undefined ? {} : { overlay: beside(settings.overlay) }),
  };
}

function fits(key: keyof typeof keys, value: unknown): boolean {
  const isText = typeof value === "string" && value !== "";
  const isTexts = (one: unknown) => Array.isArray(one) && one.every((item) => typeof item === "string");
  switch (key) {
    case "urls":
      return isTexts(value);
    case "perspective":
      return value === "server" || value === "client";
    case "timeoutMs":
    case "pid":
      return Number.isInteger(value) && (value as number) > 0;
    case "insecure":
      return typeof value === "boolean";
    case "auth":
      return (
        isRecord(value) &&
        Object.keys(value).length === 1 &&
        (typeof value.secret === "string" || isTexts(value.tokens) || typeof value.command === "string")
      );
    default:
      return isText;
  }
}
