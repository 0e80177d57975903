// Lists of who is in a relation: every certain tuple is named, nobody else is, up to the declared maximum.
import type { Effect, JsonSchema } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import { conjuncts, schemasAt } from "../../spec/schema-walk.ts";
import type { ResultCollector } from "./evaluation-result.ts";
import { canonical, shown } from "./frame.ts";
import { type Key, ownPresenceAfter, presence, type Tuple } from "./membership.ts";
import type { Evaluation } from "./outcomes.ts";
import { type ListBinding, splitBindings } from "./protocol.ts";
import type { Invocation } from "./trace.ts";

type ReplyEffect = Extract<Effect, { kind: "reply" }>;

/** @param key the columns that the tuples of the list share */
export function checkLists(
  evaluation: Evaluation,
  invocation: Invocation,
  effect: ReplyEffect,
  key: Key,
  collector: ResultCollector,
) {
  for (const list of splitBindings(effect.bindings).lists) checkList(evaluation, invocation, effect, list, key, collector);
}

function checkList(
  { membership, protocol }: Evaluation,
  invocation: Invocation,
  effect: ReplyEffect,
  { pointer, relation, item }: ListBinding,
  key: Key,
  collector: ResultCollector,
) {
  const { reply, connection, sentAt, settledAt } = invocation;
  if (reply === undefined) return;
  const rule = "list-matches-relation";
  const events = [sentAt, reply.at];
  const got = lookup(reply.frame, pointer);
  if (!Array.isArray(got)) {
    collector.check(false, rule, effect.pointer, `a list at ${pointer}`, shown(got), events);
    return;
  }
  const states = membership.tuples(relation, key).map((tuple) => ({
    tuple,
    state: tuple.connection === connection ? ownPresenceAfter(tuple, invocation) : presence(tuple, sentAt, settledAt),
  }));
  const matches = (value: unknown, tuple: Tuple) => isItem(value, tuple, item);
  const missing = states.find(({ tuple, state }) => state === "in" && !got.some((value) => matches(value, tuple)));
  const maxItems = maxItemsAt(reply.message.payload, pointer, protocol.contract.definitions);
  // A full list may leave out anybody.
  const isFull = got.length >= maxItems;
  // Without a key, connections of other users of the server belong to the relation as well.
  const stranger =
    key.size === 0
      ? undefined
      : got.find((value) => !states.some(({ tuple, state }) => state !== "out" && matches(value, tuple)));
  const twice = got.find(
    (value, index) => item === undefined && got.findIndex((other) => canonical(other) === canonical(value)) < index,
  );
  const wanted = `every tuple of ${relation} once at ${pointer}`;
  const wrong =
    missing !== undefined && !isFull
      ? `connection ${missing.tuple.connection.id} is missing in ${shown(got)}`
      : stranger !== undefined
        ? `${shown(stranger)} is not in ${relation}`
        : twice !== undefined
          ? `${shown(twice)} twice`
          : undefined;
  collector.check(wrong === undefined, rule, effect.pointer, wanted, wrong ?? "", events);
}

/** Whether the item names the tuple: by one attribute or column, or by all that it carries. */
function isItem(value: unknown, { connection, key }: Tuple, item: string | undefined): boolean {
  const known = (name: string) => (key.has(name) ? key.get(name) : connection.attributes.get(name));
  if (item !== undefined) return canonical(value) === canonical(known(item));
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).every(
    ([name, field]) => (!key.has(name) && !connection.attributes.has(name)) || canonical(field) === canonical(known(name)),
  );
}

function maxItemsAt(payload: JsonSchema, pointer: string, definitions: ReadonlyMap<string, JsonSchema>): number {
  const parts = schemasAt(payload, pointer, definitions)?.flatMap((schema) => conjuncts(schema, definitions)) ?? [];
  return Math.min(Number.POSITIVE_INFINITY, ...parts.flatMap(({ maxItems }) => (typeof maxItems === "number" ? [maxItems] : [])));
}
