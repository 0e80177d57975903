// wsproof.config.yaml: what names the target stands at the top, the rest of a command's options under its name. Mistakes name the line.
import { readFileSync } from "node:fs";
import path from "node:path";
import { LineCounter, parseDocument } from "yaml";
import { isRecord } from "../../../spec/raw.ts";
import { UsageError } from "../../schema/errors.ts";
import { benchOptions } from "./bench-options.ts";
import { checkValues } from "./check-values.ts";
import { type Given, isGroup, type Option, type Options } from "./option.ts";
import { verifyOptions } from "./verify-options.ts";

const configFile = "wsproof.config.yaml";

const { url, spec, perspective, overlay, server, variables, auth, origin, insecure, pid, stopCommand, timeoutMs } = verifyOptions;
const shared = { url, spec, perspective, overlay, server, variables, auth, origin, insecure, pid, stopCommand, timeoutMs };
const { config: _verify, list: _list, ...verify } = verifyOptions;
const { config: _bench, ...bench } = benchOptions;

/** All that may stand in the file. */
export const configOptions = {
  ...shared,
  verify: { type: "object", description: "options of wsproof verify", properties: verify },
  bench: { type: "object", description: "options of wsproof bench", properties: bench },
} as const satisfies Options;

/**
 * What the file says for one command.
 * @param asked the value of --config; undefined: wsproof.config.yaml, where there is one
 */
export function loadConfig(asked: string | undefined, command: "verify" | "bench"): Record<string, unknown> {
  const file = asked ?? configFile;
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (asked === undefined && (error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw new UsageError(
      `--config ${file} cannot be read (${(error as NodeJS.ErrnoException).code}). Give the path of a YAML file with keys such as ${Object.keys(shared).slice(0, 4).join(", ")}.`,
    );
  }
  const { verify, bench, ...target } = parseConfig(text, file);
  const own: Options = command === "verify" ? verifyOptions : benchOptions;
  const section = command === "verify" ? verify : bench;
  return { ...Object.fromEntries(Object.entries(target).filter(([name]) => name in own)), ...section };
}

/** @param file for messages; relative paths in it start at its folder */
export function parseConfig(text: string, file: string): Given<typeof configOptions> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [error] = document.errors;
  if (error !== undefined) throw new UsageError(`${file}:${lines.linePos(error.pos[0]).line}: ${error.message.split("\n")[0]}`);
  const value: unknown = document.toJS();
  if (value === null) return {};
  if (!isRecord(value)) throw new UsageError(`${file}: expected an object with ${Object.keys(configOptions).join(", ")}`);
  const lineOf = (keyPath: readonly string[]) => {
    const node = document.getIn(keyPath, true) as { range?: [number, number, number] } | undefined;
    return node?.range === undefined ? 1 : lines.linePos(node.range[0]).line;
  };
  checkValues(configOptions, value, { naming: "key", where: (keyPath) => `${file}:${lineOf(keyPath)}: ` });
  return withPathsBeside(configOptions, value, path.dirname(file));
}

function withPathsBeside(options: Options, values: Readonly<Record<string, unknown>>, folder: string): Record<string, unknown> {
  const resolve = (option: Option | undefined, value: unknown): unknown => {
    if (option === undefined) return value;
    if (isGroup(option)) return withPathsBeside(option.properties, value as Record<string, unknown>, folder);
    return option.path === undefined ? value : path.resolve(folder, String(value));
  };
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, resolve(options[name], value)]));
}
