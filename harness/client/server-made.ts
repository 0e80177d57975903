// Values that the server makes, such as the id of a download: columns of relations that an operation adds from its reply.

import type { Operation, Pointer } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import { canonicalText } from "../schema/json.ts";
import type { ContractUnderTest } from "./context.ts";
import type { TestClient } from "./test-client.ts";

/** Operations of the channel that add the relation, those first whose reply makes a value of it. */
export function addersOf({ contract, channel }: ContractUnderTest, relation: string): Operation[] {
  const adding = contract.operations.filter(
    (one) =>
      one.channel === channel.id &&
      one.action === "receive" &&
      one.effects.some((effect) => effect.kind === "add" && effect.relation === relation),
  );
  return adding.toSorted((one, other) => madeBy(other, relation).size - madeBy(one, relation).size);
}

/** The columns of the relation that the operation's reply makes, and where they stand in it. */
export function madeBy({ effects }: Operation, relation: string): ReadonlyMap<string, Pointer> {
  const made = new Map<string, Pointer>();
  for (const effect of effects) {
    if (effect.kind !== "add" || effect.relation !== relation) continue;
    for (const [column, value] of effect.where) if (value.kind === "reply") made.set(column, value.pointer);
  }
  return made;
}

/** Whether only the server can make a value of the column: every operation that adds the relation takes it from its reply. */
export function isServerMade(subject: ContractUnderTest, relation: string, column: string): boolean {
  const adders = addersOf(subject, relation);
  return adders.length > 0 && adders.every((adder) => madeBy(adder, relation).has(column));
}

/** What a place of a request must hold: a value that the server made. */
export interface ServerMadePlace {
  readonly pointer: Pointer;
  readonly relation: string;
  readonly column: string;
}

/** Places of the operation's request that only a value which the server made can fill. */
export function serverMadePlaces(subject: ContractUnderTest, operation: Operation): readonly ServerMadePlace[] {
  const places = new Map<Pointer, ServerMadePlace>();
  const put = (pointer: Pointer, relation: string, column: string) => {
    if (!places.has(pointer) && isServerMade(subject, relation, column)) places.set(pointer, { pointer, relation, column });
  };
  for (const [pointer, value] of operation.bindings) {
    if (value.kind === "relation") put(pointer, value.relation, value.column);
  }
  for (const one of [...operation.requires, ...operation.effects]) {
    if (!(one.kind === "remove" || (one.kind === "relation" && one.present))) continue;
    for (const [column, value] of one.where) if (value.kind === "message") put(value.pointer, one.relation, column);
  }
  return [...places.values()];
}

const held = new WeakMap<TestClient, Set<string>>();

/** Remembers a value that the server made for the connection. */
export function hold(client: TestClient, relation: string, column: string, value: unknown): void {
  held.set(client, (held.get(client) ?? new Set()).add(canonicalText([relation, column, value])));
}

/** Whether the server made this value for the connection. */
export function holds(client: TestClient, relation: string, column: string, value: unknown): boolean {
  return value !== undefined && held.get(client)?.has(canonicalText([relation, column, value])) === true;
}

/** Forgets the values of a request that succeeded and ends their relation: the server has none of them any more. */
export function release(client: TestClient, { effects }: Operation, request: unknown): void {
  for (const effect of effects) {
    if (effect.kind !== "remove") continue;
    for (const [column, value] of effect.where) {
      if (value.kind !== "message") continue;
      held.get(client)?.delete(canonicalText([effect.relation, column, lookup(request, value.pointer)]));
    }
  }
}
