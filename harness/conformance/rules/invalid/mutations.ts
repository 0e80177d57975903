// What the rules over broken keywords share: constraints as promises, and the broken message that a connection can send.

import type { ErrorCode } from "../../../../spec/contract.ts";
import { join } from "../../../../spec/pointer.ts";
import type { ContractUnderTest } from "../../../client/context.ts";
import { withValueAt } from "../../../client/messages.ts";
import type { TestClient } from "../../../client/test-client.ts";
import { dataOf } from "../../../schema/contract-data.ts";
import { valueAt } from "../../../schema/edit.ts";
import { NotTestable } from "../../../schema/errors.ts";
import type { KeywordConstraint, Mutation } from "../../../schema/invalid.ts";
import type { Json } from "../../../schema/json.ts";
import { documentBytes, type Malformed } from "../../../schema/malformed-frames.ts";
import type { Context } from "../../context.ts";
import type { Clause } from "../../rule.ts";
import { baseFor, type ClientMessage, clientMessages, errorsFor } from "../client-messages.ts";

export interface ObligationPromise extends Clause {
  readonly client: ClientMessage;
  readonly constraint: KeywordConstraint;
}

export interface MessagePromise extends Clause {
  readonly client: ClientMessage;
}

/** Every keyword of every client message that can be broken, where the document has an error for it. */
export function breakable(subject: ContractUnderTest): readonly ObligationPromise[] {
  return clientMessages(subject).flatMap((client) =>
    dataOf(subject.contract)
      .of(client.message)
      .mutations.filter(({ value }) => Buffer.byteLength(JSON.stringify(value)) <= documentBytes(subject.channel))
      .filter(({ constraint }) => outcomesOf(subject, client, constraint).length > 0)
      .map(({ constraint }) => ({
        pointer: constraint.pointer,
        text: describeConstraint(client, constraint),
        client,
        constraint,
      })),
  );
}

/** Client messages of which at least one keyword can be broken. */
export function breakableMessages(subject: ContractUnderTest): readonly MessagePromise[] {
  const clients = new Set(breakable(subject).map(({ client }) => client.message));
  return clientMessages(subject)
    .filter(({ message }) => clients.has(message))
    .map((client) => ({ pointer: client.message.pointer, client }));
}

/** How many of all keyword constraints can be broken, and why the others cannot. */
export function coverage(subject: ContractUnderTest): string {
  const all = clientMessages(subject).map(({ message }) => dataOf(subject.contract).of(message));
  const broken = all.reduce((sum, { mutations }) => sum + mutations.length, 0);
  const unmutated = all.flatMap(({ unmutated }) => unmutated);
  const why = unmutated.map(({ constraint, why }) => `${constraint.pointer}: ${why}`);
  return [`keyword constraints exercised: ${broken} of ${broken + unmutated.length}`, ...why].join("; ");
}

/** Which errors the document gives to a message whose keyword is broken. */
export function outcomesOf(
  subject: Pick<ContractUnderTest, "contract">,
  { message }: ClientMessage,
  constraint: KeywordConstraint,
): ErrorCode[] {
  const place = constraint.member === undefined ? constraint.location : join(constraint.location, constraint.member);
  // Where the tag itself is wrong, the frame may be said to be of no known type as well.
  const kinds: Malformed[] = place === message.tag?.pointer ? ["unknown-type", "not-in-schema"] : ["not-in-schema"];
  return errorsFor(subject, kinds);
}

export function describeConstraint(
  { message }: Pick<ClientMessage, "message">,
  { keyword, location, member, schema }: KeywordConstraint,
): string {
  const bound = member ?? JSON.stringify(schema[keyword]) ?? "";
  return `${location || "the message"} of \`${message.name}\` has ${keyword} ${bound.length > 80 ? `${bound.slice(0, 80)}...` : bound}.`;
}

/** A message that would succeed on this connection but for one keyword. Its id is fresh where it has one. */
export async function brokenFor(
  context: Context,
  peer: TestClient,
  client: ClientMessage,
  constraint: KeywordConstraint,
): Promise<Mutation & { readonly id: unknown }> {
  const base = await baseFor(context, peer, client);
  return breakIn(context, client, constraint, base);
}

/** The same, from a valid message that is at hand. */
export function breakIn(
  context: Context,
  client: ClientMessage,
  constraint: KeywordConstraint,
  base: unknown,
): Mutation & { readonly id: unknown } {
  const { correlation } = client.message;
  const id = context.id();
  const start = correlation === undefined ? base : withValueAt(base, correlation, id);
  const mutation = dataOf(context.contract)
    .of(client.message)
    .mutator.mutate(constraint, start as Json);
  if ("why" in mutation) throw new NotTestable(`${constraint.pointer} cannot be broken here: ${mutation.why}`);
  // Usable where it came through whole: not where the id itself is broken, or nothing of the message is left.
  const isWhole = correlation !== undefined && valueAt(mutation.value, correlation) === id;
  return { ...mutation, id: isWhole ? id : undefined };
}
