// What a check of a document gets and gives.
import type { Contract, Finding } from "../contract.ts";
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

/** The name that was probably meant: at most two letters away, or another spelling of the same words. */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  let best: { name: string; distance: number } | undefined;
  for (const candidate of known) {
    const distance = plain(candidate) === plain(name) ? 0 : editDistance(candidate, name);
    if (distance <= Math.min(2, Math.floor(name.length / 3)) && distance < (best?.distance ?? Number.MAX_SAFE_INTEGER)) {
      best = { name: candidate, distance };
    }
  }
  return best?.name;
}

/** Letters to insert, delete, replace, or swap with their neighbour (optimal string alignment). */
function editDistance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, index) => index)];
  for (let i = 1; i <= a.length; i++) {
    const [above, row] = [rows[i - 1]!, [i]];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const edits = Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + same);
      row.push(swapped ? Math.min(edits, rows[i - 2]![j - 2]! + 1) : edits);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}

/** What to do about a name that is not there. */
export function correction(name: string, known: Iterable<string>, otherwise: string): string {
  const meant = nearest(name, known);
  return meant === undefined ? otherwise : `did you mean ${meant}?`;
}
