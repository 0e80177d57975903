// The messages that the mock sends: an example or a generated value, with what the document binds put into it.
import type { Contract, Message, Pointer, Stream } from "../../spec/contract.ts";
import { join, lookup } from "../../spec/pointer.ts";
import type { Validators } from "../../spec/schemas.ts";
import { dataOf } from "../schema/contract-data.ts";
import { drawnName } from "../schema/drawn-examples.ts";
import { createUniqueValues, NoUniqueValue, type UniqueValues } from "../schema/unique-values.ts";
import { copy, put, remove } from "./place.ts";

/** What stands where. `undefined` removes the member. */
export type Parts = readonly (readonly [Pointer, unknown])[];

export interface MessageFactory {
  /** The message with these parts; the parts of a value that the schema does not accept stay all the same. */
  build(name: string, parts: Parts): unknown;
  /** A value for this place of the message that no earlier call gave, while its schema has others. */
  fresh(name: string, pointer: Pointer): unknown;
  message(name: string): Message | undefined;
}

interface Base {
  readonly value: unknown;
  /** Places of RFC 3339 times: they move with the clock. */
  readonly times: readonly (readonly [Pointer, number])[];
}

/** Generated values of one message. */
const generatedValues = 20;
const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

/**
 * @param random 0 to 1: chooses among examples and generated values
 * @param nowMs the date, in ms since 1970
 */
export function createMessageFactory(
  contract: Contract,
  validators: Validators,
  random: () => number,
  nowMs: () => number,
): MessageFactory {
  const byName = new Map(contract.messages.map((message) => [message.name, message]));
  const bases = new Map<string, readonly Base[]>();
  const uniques = new Map<string, { readonly values: UniqueValues | undefined; count: number }>();
  const isValid = (name: string, value: unknown) => validators.of(name)(value).length === 0;

  const basesOf = (message: Message): readonly Base[] => {
    const known = bases.get(message.name);
    if (known !== undefined) return known;
    const isError = contract.errors?.replies.some((reply) => reply.message === message.name) ?? false;
    const examples = message.examples.filter(({ name }) => name !== drawnName).map(({ payload }) => payload);
    const drawn = () => dataOf(contract).of(message).samples.all.slice(-generatedValues);
    const values = examples.length > 0 ? examples : message.format === "json" ? drawn() : [""];
    // What an error says beside its code belongs to one case: only what must be there is kept.
    const kept = isError ? values.map((value) => withoutOptional(value, (one) => isValid(message.name, one))) : values;
    const made = (kept.length > 0 ? kept : [{}]).map((value) => ({ value, times: timesIn(value) }));
    bases.set(message.name, made);
    return made;
  };

  const fill = (base: Base, parts: Parts): unknown => {
    let value = copy(base.value);
    const earliestMs = Math.min(...base.times.map(([, ms]) => ms));
    for (const [pointer, ms] of base.times) value = put(value, pointer, new Date(nowMs() + ms - earliestMs).toISOString());
    for (const [pointer, part] of parts) {
      if (part === undefined) remove(value, pointer);
      else value = put(value, pointer, typeof part === "object" ? copy(part) : part);
    }
    return value;
  };

  return {
    message: (name) => byName.get(name),
    build(name, parts) {
      const message = byName.get(name);
      if (message === undefined) throw new Error(`the contract has no message ${name}`);
      const all = basesOf(message);
      const start = Math.floor(random() * all.length);
      let first: unknown;
      for (let turn = 0; turn < all.length; turn++) {
        const value = fill(all[(start + turn) % all.length]!, parts);
        if (isValid(name, value)) return value;
        first ??= value;
      }
      return first;
    },
    fresh(name, pointer) {
      const key = `${name} ${pointer}`;
      let made = uniques.get(key);
      if (made === undefined) {
        const message = byName.get(name)!;
        const { samples } = dataOf(contract).of(message);
        const prefix = pointer.slice(pointer.lastIndexOf("/") + 1).replace(/\W/g, "") || "m";
        let values: UniqueValues | undefined;
        try {
          const usages = [{ payload: message.payload, samples, pointer }];
          values = createUniqueValues(usages, contract.definitions, prefix, lookup(samples.all[0], pointer) as never);
        } catch (error) {
          if (!(error instanceof NoUniqueValue)) throw error;
        }
        made = { values, count: 0 };
        uniques.set(key, made);
      }
      try {
        return made.values?.(++made.count);
      } catch (error) {
        if (!(error instanceof NoUniqueValue)) throw error;
        return undefined;
      }
    },
  };
}

/** Where the messages of a stream say their position; `undefined` takes it out. */
export function positionParts(stream: Stream, position: { readonly epoch: unknown; readonly seq: number } | undefined): Parts {
  const { epoch, seq, key } = stream;
  if (position === undefined) return [epoch, seq, key].flatMap((at) => (at === undefined ? [] : [[at, undefined] as const]));
  return [
    ...(epoch === undefined ? [] : [[epoch, position.epoch] as const]),
    ...(seq === undefined ? [] : [[seq, position.seq] as const]),
  ];
}

/** Without every member that may be left out. */
function withoutOptional(value: unknown, isValid: (value: unknown) => boolean): unknown {
  let kept = copy(value);
  const visit = (holder: unknown, pointer: Pointer): void => {
    if (typeof holder !== "object" || holder === null || Array.isArray(holder)) return;
    for (const name of Object.keys(holder)) {
      const at = join(pointer, name);
      const less = copy(kept);
      remove(less, at);
      if (isValid(less)) kept = less;
      else visit(lookup(kept, at), at);
    }
  };
  visit(kept, "");
  return kept;
}

function timesIn(value: unknown, pointer = ""): (readonly [Pointer, number])[] {
  if (typeof value === "string") return rfc3339.test(value) ? [[pointer, Date.parse(value)]] : [];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => timesIn(inner, join(pointer, name)));
}
