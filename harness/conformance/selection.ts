// Which rules a run is asked for: by id, by the beginning of an id, by phase.
import { UsageError } from "../schema/errors.ts";
import type { Phase } from "./phase.ts";
import { type PhaseName, phaseNames, type Rule } from "./rule.ts";

export interface Selection {
  readonly phase: Phase;
  readonly rules: readonly Rule[];
}

/**
 * @param only ids or beginnings of ids; empty: all
 * @param inPhases names of phases; empty: all
 * @throws UsageError where a name fits nothing, with the nearest that there is
 */
export function selectRules(
  phases: readonly Phase[],
  only: readonly string[],
  inPhases: readonly string[],
): readonly Selection[] {
  const all = phases.flatMap(({ rules }) => rules);
  for (const name of inPhases) {
    if (!phaseNames.includes(name as PhaseName)) {
      throw new UsageError(`expected --phase to be one of ${phaseNames.join(", ")}, got "${name}"`);
    }
  }
  for (const id of only) {
    if (all.some((rule) => rule.id.startsWith(id))) continue;
    const near = nearest(
      id,
      all.map((rule) => rule.id),
    );
    throw new UsageError(
      `no rule has an id that begins with "${id}" (--only)${near === undefined ? "" : `; did you mean ${near}?`} \`wsproof verify --list\` shows all.`,
    );
  }
  return phases
    .filter(({ name }) => inPhases.length === 0 || inPhases.includes(name))
    .map((phase) => ({
      phase,
      rules: phase.rules.filter(({ id }) => only.length === 0 || only.some((wanted) => id.startsWith(wanted))),
    }))
    .filter(({ rules }) => rules.length > 0);
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
