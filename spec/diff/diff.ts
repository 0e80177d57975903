// Two versions of a protocol: what changed, who breaks by it, and whether the version number says so.
import type { Contract } from "../contract.ts";
import type { Change } from "./change.ts";
import { compareMessages, compareOperations } from "./messages.ts";
import { compareChannels, compareErrors, compareState } from "./promises.ts";

/** What a version number admits: nothing on the wire, additions (old clients work on), or breaks. */
export type Step = "none" | "minor" | "major";

export interface Difference {
  readonly changes: readonly Change[];
  /** What the changes ask for: major where clients break, minor where only old servers do. */
  readonly needed: Step;
  /** What info.version says. */
  readonly said: Step;
  readonly admitted: boolean;
}

const steps: readonly Step[] = ["none", "minor", "major"];

/** Pure. Compares everything that either side can tell on the wire; words and examples do not count. */
export function diff(old: Contract, now: Contract): Difference {
  const changes = [
    ...compareMessages(old, now),
    ...compareOperations(old, now),
    ...compareErrors(old, now),
    ...compareState(old, now),
    ...compareChannels(old, now),
  ];
  const breaks = new Set(changes.flatMap((change) => change.breaks));
  const needed = breaks.has("clients") ? "major" : breaks.has("servers") ? "minor" : "none";
  const said = stepBetween(old.version, now.version);
  return { changes, needed, said, admitted: steps.indexOf(said) >= steps.indexOf(needed) };
}

/** Semantic Versioning 2.0: below 1.0.0 the minor number speaks for breaks and the patch number for additions. */
export function stepBetween(old: string, now: string): Step {
  const numbers = (version: string) =>
    /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?/
      .exec(version)
      ?.slice(1)
      .map((part) => Number(part ?? 0));
  const [before, after] = [numbers(old), numbers(now)];
  if (before === undefined || after === undefined) return "none";
  const first = after.findIndex((part, index) => part !== before[index]);
  if (first < 0 || after[first]! < before[first]!) return "none";
  const early = before[0] === 0 && after[0] === 0;
  return early ? (first === 1 ? "major" : "minor") : first === 0 ? "major" : first === 1 ? "minor" : "none";
}
