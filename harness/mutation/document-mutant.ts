// A document mutant as data, and the shape of what makes one.
import type { Contract } from "../../spec/contract.ts";

export interface DocumentMutant {
  /** Kind and pointer, such as `effect-removed #/operations/x/x-effects/0`. */
  readonly id: string;
  /** What was changed, such as `effect-removed`. */
  readonly kind: string;
  /** Where it was changed. */
  readonly pointer: string;
  /** All statements of the document that the change affects. */
  readonly affected: readonly string[];
  readonly contract: Contract;
}

export type Mutable<T> =
  T extends ReadonlyMap<infer K, infer V>
    ? Map<K, Mutable<V>>
    : T extends readonly (infer V)[]
      ? Mutable<V>[]
      : T extends object
        ? { -readonly [K in keyof T]: Mutable<T[K]> }
        : T;

/** Makes one mutant: `change` edits a copy of the contract; `also` are further pointers that the change affects. */
export type Add = (kind: string, pointer: string, change: (copy: Mutable<Contract>) => void, also?: readonly string[]) => void;
