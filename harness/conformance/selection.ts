// Which rules a run is asked for: by id, by the beginning of an id, by a glob, by phase; and which it leaves out.
import { UsageError } from "../schema/errors.ts";
import type { Phase } from "./phase.ts";
import { phaseNames } from "./rule.ts";

/**
 * @param only ids, beginnings of ids, or globs with `*`; empty: all
 * @param inPhases names of phases; empty: all
 * @param exclude as `only`: rules to leave out, default none
 * @throws UsageError where a name fits nothing, with the nearest that there is
 */
export function selectRules(
  phases: readonly Phase[],
  only: readonly string[],
  inPhases: readonly string[],
  exclude: readonly string[] = [],
): readonly Phase[] {
  const all = phases.flatMap(({ rules }) => rules);
  for (const name of inPhases) {
    if (!phaseNames.some((one) => one === name)) {
      throw new UsageError(`expected --phase to be one of ${phaseNames.join(", ")}, got "${name}"`);
    }
  }
  for (const [id, option] of [...only.map((one) => [one, "--only"]), ...exclude.map((one) => [one, "--exclude"])] as const) {
    if (all.some((rule) => fits(rule.id, id!))) continue;
    const near = nearest(
      id!,
      all.map((rule) => rule.id),
    );
    throw new UsageError(
      `no rule has an id that ${id!.includes("*") ? "matches" : "begins with"} "${id}" (${option})${near === undefined ? "" : `; did you mean ${near}?`} \`wsproof verify --list\` shows all.`,
    );
  }
  return phases
    .filter(({ name }) => inPhases.length === 0 || inPhases.includes(name))
    .map((phase) => ({
      ...phase,
      rules: phase.rules.filter(
        ({ id }) =>
          (only.length === 0 || only.some((wanted) => fits(id, wanted))) && !exclude.some((unwanted) => fits(id, unwanted)),
      ),
    }))
    .filter(({ rules }) => rules.length > 0);
}

/** The beginning of the id, or, with `*`, a glob of the whole id. */
function fits(id: string, pattern: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  if (rest.length === 0) return id.startsWith(pattern);
  if (!id.startsWith(first)) return false;
  const last = rest.pop()!;
  let at = first.length;
  for (const piece of rest) {
    const found = id.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return id.length - last.length >= at && id.endsWith(last);
}

/** The id with the most three-letter pieces in common. */
function nearest(wanted: string, ids: readonly string[]): string | undefined {
  const pieces = (text: string) =>
    new Set(Array.from({ length: Math.max(text.length - 2, 0) }, (_, at) => text.slice(at, at + 3)));
  const asked = pieces(wanted);
  const scored = ids.map((id) => {
    const own = pieces(id);
    return { id, score: [...asked].filter((piece) => own.has(piece)).length / (asked.size + own.size || 1) };
  });
  scored.sort((a, b) => b.score - a.score);
  return scored[0] !== undefined && scored[0].score > 0 ? scored[0].id : undefined;
}
