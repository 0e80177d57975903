// Options <-> the command line: defines their flags on a command, turns flags into values, and prints values as flags again.
import { type Command, Option as Flag } from "commander";
import { UsageError } from "../../schema/errors.ts";
import { isGroup, type Option, type Options } from "./option.ts";

/** What commander hands over, by the name that it makes of a flag. */
export type FlagValues = Readonly<Record<string, unknown>>;

/** Every option that has a flag, those of groups among them, with its place in the values. */
export function flagged(options: Options, path: readonly string[] = []): { path: readonly string[]; option: Option }[] {
  return Object.entries(options).flatMap(([name, option]) => {
    const at = [...path, name];
    if (isGroup(option)) return flagged(option.properties, at);
    return option.flag === undefined ? [] : [{ path: at, option }];
  });
}

/** Adds the flags and arguments of all options to a command. */
export function defineFlags(command: Command, options: Options): Command {
  for (const { option } of flagged(options)) {
    if ("positional" in option) {
      command.argument(option.flag!, option.description);
      continue;
    }
    const flag = new Flag(option.flag!, helpOf(option));
    const repeats = option.type === "array" || option.type === "object";
    command.addOption(repeats ? flag.argParser((value: string, before: string[] = []) => [...before, value]) : flag);
  }
  return command;
}

/** The description, and the default where there is one to tell. */
function helpOf(option: Option): string {
  const value = "default" in option ? option.default : undefined;
  if (typeof value !== "number" && typeof value !== "string") return option.description;
  const text = "unit" in option && typeof value === "number" ? `${value / 1000}s` : String(value);
  return `${option.description} (default: ${text})`;
}

/**
 * The values that flags give, in the shape that the API takes.
 * @throws UsageError where a text cannot be such a value
 */
export function valuesOfFlags(options: Options, flags: FlagValues, positional: readonly string[] = []): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const { path, option } of flagged(options)) {
    const given = "positional" in option ? (positional.length > 0 ? positional : undefined) : flags[attributeOf(option)];
    if (given === undefined) continue;
    let place = values;
    for (const group of path.slice(0, -1)) {
      place[group] ??= {};
      place = place[group] as Record<string, unknown>;
    }
    place[path.at(-1)!] = parseFlag(option, given);
  }
  return values;
}

/** `--find-capacity` for an option, and the name of its value such as `<conditions>`. */
export function longFlag(option: Option): string {
  return /--[a-z-]+/.exec(option.flag ?? "")?.[0] ?? "URL";
}

/** As commander names its value. */
function attributeOf(option: Option): string {
  return new Flag(option.flag!).attributeName();
}

function parseFlag(option: Option, given: unknown): unknown {
  if (option.type === "object") return parsePairs(option, given as readonly string[]);
  if ((option.type !== "integer" && option.type !== "number") || typeof given !== "string") return given;
  if ("unit" in option) return parseTime(given) ?? given;
  // What is no number stays a text, which the check of all values then refuses.
  return given.trim() === "" || Number.isNaN(Number(given)) ? given : Number(given);
}

function parseTime(text: string): number | undefined {
  const [, digits, unit = "s"] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text) ?? [];
  if (digits === undefined) return undefined;
  return Math.round(Number(digits) * { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[unit as "ms" | "s" | "m" | "h"]);
}

function parsePairs(option: Option, texts: readonly string[]): Record<string, unknown> {
  const isNumber = "additionalProperties" in option && option.additionalProperties.type === "number";
  const pairs = texts.map((text) => {
    const at = text.indexOf("=");
    const value = text.slice(at + 1);
    if (at < 1 || (isNumber && !(value.trim() !== "" && Number(value) > 0))) {
      throw new UsageError(`expected ${longFlag(option)} as ${option.expected ?? "NAME=VALUE"}, got "${text}"`);
    }
    return [text.slice(0, at), isNumber ? Number(value) : value];
  });
  return Object.fromEntries(pairs);
}
