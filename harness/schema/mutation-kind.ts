// One way to break a keyword, and the values that do it.
import type { Json } from "./json.ts";

export interface MutationKind {
  /** Such as `null`, `one beyond`, `wrong case`. */
  readonly name: string;
  /** The plainest first. */
  readonly values: readonly Json[];
}

export const kind = (name: string, ...values: readonly Json[]): MutationKind => ({ name, values });
