// A document mutant as data, and the shape of what makes one.
import type { Contract } from "../../spec/contract.ts";

export interface Mutant {
  /** Kind and pointer, such as `effect-removed #/operations/x/x-effects/0`. */
  readonly id: string;
  /** What was done, such as `effect-removed`. */
  readonly kind: string;
  /** What was altered. */
  readonly pointer: string;
  /** Where it makes itself felt. */
  readonly places: readonly string[];
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

/** Makes one mutant: `change` gets a copy of the document to work on; `also` is what else the alteration concerns. */
export type Add = (kind: string, pointer: string, change: (copy: Mutable<Contract>) => void, also?: readonly string[]) => void;
