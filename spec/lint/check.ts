// What a check of a document gets and gives.
import type { Contract, Finding } from "../contract.ts";
import { nearest } from "../nearest.ts";
import type { Validators } from "../schemas.ts";
import type { SourceTree } from "../source-tree.ts";

export interface Checked {
  readonly tree: SourceTree;
  readonly contract: Contract;
  readonly validators: Validators;
  /** Whether the document has any of our x- keys: others are not asked for what only they can say. */
  readonly ours: boolean;
}

/** Pure. Finds one kind of mistake, or a few that are close. */
export type Check = (checked: Checked) => Finding[];

/** `a`, `b` or `c` for a message to a person; at most a dozen of them. */
export function choices(names: Iterable<string | number>, none = "there are none"): string {
  const all = [...new Set(names)];
  if (all.length === 0) return none;
  return all.slice(0, 12).join(", ") + (all.length > 12 ? ` and ${all.length - 12} more` : "");
}

/** What to do about a name that is not there. */
export function correction(name: string, known: Iterable<string>, otherwise: string): string {
  const meant = nearest(name, known);
  return meant === undefined ? otherwise : `did you mean ${meant}?`;
}

/** At most 80 characters of a text. */
export function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
