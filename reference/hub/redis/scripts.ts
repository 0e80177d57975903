// The Lua scripts: one call each, atomic, known to Redis by their SHA-1.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

/** A script that writes little or makes room runs even where Redis is out of memory. */
const flags = {
  publish: "",
  join: "",
  attach: "",
  user: "",
  // The health checks: they must fail where an append would.
  beat: "",
  tick: "",
  leave: " flags=allow-oom",
  read: " flags=allow-oom",
  bury: " flags=allow-oom",
} as const;

export type ScriptName = keyof typeof flags;

export interface Script {
  readonly text: string;
  readonly sha: string;
}

const read = (name: string): string => readFileSync(new URL(`./${name}.lua`, import.meta.url), "utf8");

/** The scripts with what they share put in front. */
export const scripts = Object.fromEntries(
  Object.entries(flags).map(([name, flag]) => {
    // The shebang makes Redis refuse the whole call, instead of its first write, on a replica and when out of memory.
    const text = `#!lua${flag}\n${read("common")}${read(name)}`;
    return [name, { text, sha: createHash("sha1").update(text).digest("hex") }];
  }),
) as Record<ScriptName, Script>;
