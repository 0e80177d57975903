// Keys of a case, such as the names of its rooms: texts that are unique in the run where the schema allows them, else values of the schema.
import fc from "fast-check";
import type { Operation, Pointer } from "../../../spec/contract.ts";
import { lookup } from "../../../spec/pointer.ts";
import { withValueAt } from "../../client/messages.ts";
import { canonical } from "../../model/frame.ts";
import type { Protocol } from "../../model/protocol.ts";
import { createArbitraries } from "../../schema/arbitrary.ts";
import { createSchemaValidator } from "../../schema/schema-validator.ts";
import type { Context } from "../context.ts";
import { fieldsOf, messageOf, operationsOf } from "./case.ts";

export interface Keys {
  /** The value of the column under this number, taken modulo the keys that there are. */
  of(column: string, number: number): unknown;
}

/** Keys of a case. Cases meet in few of them. */
const keyCount = 3;
/** Values drawn from a schema to find that many distinct ones. */
const draws = 40;

/** @param seed of the drawn values: cases with another one rarely share a key */
export function createKeys(context: Context, protocol: Protocol, seed: number): Keys {
  const texts = Array.from({ length: keyCount }, () => context.fresh("key"));
  const columns = new Map<string, readonly unknown[]>();
  return {
    of(column, number) {
      if (!columns.has(column)) columns.set(column, keysFor(context, protocol, column, texts, seed));
      const keys = columns.get(column) ?? texts;
      return keys[number % keys.length];
    },
  };
}

function keysFor(
  context: Context,
  protocol: Protocol,
  column: string,
  texts: readonly string[],
  seed: number,
): readonly unknown[] {
  for (const operation of operationsOf(protocol)) {
    const pointer = [...fieldsOf(protocol, operation)].find(
      ([, field]) => field.role === "column" && field.column === column,
    )?.[0];
    if (pointer === undefined) continue;
    const [example] = messageOf(protocol, operation)?.examples ?? [];
    const fits = (text: string) => isValid(context, operation, withValueAt(example?.payload, pointer, text));
    if (example !== undefined && texts.every(fits)) return texts;
    const drawn = distinct(sampleOf(protocol, operation, seed), pointer);
    if (drawn.length > 0) return drawn;
  }
  return texts;
}

function isValid(context: Context, operation: Operation, frame: unknown): boolean {
  return operation.messages.some((name) => context.wrongWith(name, frame).length === 0);
}

function sampleOf(protocol: Protocol, operation: Operation, seed: number): readonly unknown[] {
  const message = messageOf(protocol, operation);
  if (message === undefined) return [];
  if (operation.exercise === "examples") return message.examples.map(({ payload }) => payload);
  const { definitions } = protocol.contract;
  const arbitrary = createArbitraries(definitions, createSchemaValidator(definitions).compile).of(
    message.payload,
    message.pointer,
  );
  return fc.sample(fc.noBias(arbitrary), { seed, numRuns: draws });
}

function distinct(samples: readonly unknown[], pointer: Pointer): readonly unknown[] {
  const values = new Map(samples.map((sample) => lookup(sample, pointer)).map((value) => [canonical(value), value]));
  values.delete(canonical(undefined));
  return [...values.values()].slice(0, keyCount);
}
