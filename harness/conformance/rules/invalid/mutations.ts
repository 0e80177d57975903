// What the rules over broken keywords share: constraints as promises, and the broken message that a connection can send.

import type { ErrorCode, Message } from "../../../../spec/contract.ts";
import { join, lookup } from "../../../../spec/pointer.ts";
import type { ContractUnderTest } from "../../../client/context.ts";
import { withValueAt } from "../../../client/messages.ts";
import { dataOf } from "../../../schema/contract-data.ts";
import { valueAt } from "../../../schema/edit.ts";
import { NotTestable } from "../../../schema/errors.ts";
import type { KeywordConstraint, Mutation, Mutations } from "../../../schema/invalid.ts";
import type { Json } from "../../../schema/json.ts";
import { documentBytes } from "../../../schema/malformed-frames.ts";
import type { Context } from "../../context.ts";
import type { Clause } from "../../rule.ts";
import { type ClientMessage, errorsFor, generatedMessages } from "../client-messages.ts";

export interface ObligationPromise extends Clause {
  readonly client: ClientMessage;
  readonly constraint: KeywordConstraint;
}

export interface MessagePromise extends Clause {
  readonly client: ClientMessage;
}

/** Every keyword of every client message that can be broken, where the document has an error for it. */
export function breakable(subject: ContractUnderTest): readonly ObligationPromise[] {
  return generatedMessages(subject).flatMap((client) =>
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
  return generatedMessages(subject)
    .filter(({ message }) => clients.has(message))
    .map((client) => ({ pointer: client.message.pointer, client }));
}

const told = new WeakMap<ContractUnderTest["contract"], string>();

/** Which kinds of mutations there are for each keyword, such as `type 8 of 9 kinds`, and which keywords cannot be broken and why. */
export function coverage(subject: ContractUnderTest): string {
  const known = told.get(subject.contract) ?? describeCoverage(subject);
  told.set(subject.contract, known);
  return known;
}

function describeCoverage(subject: ContractUnderTest): string {
  const all = generatedMessages(subject).map(({ message }) => dataOf(subject.contract).of(message));
  const kinds = new Map<string, { readonly made: Set<string>; readonly all: Set<string> }>();
  for (const { mutations, mutator, samples } of all) {
    for (const { constraint } of mutations) {
      const { made, missing } = mutationsWithin(subject, mutator.mutateAll(constraint, samples.all[0]!));
      const known = kinds.get(constraint.keyword) ?? { made: new Set(), all: new Set() };
      kinds.set(constraint.keyword, known);
      for (const { kind } of made) known.made.add(kind);
      for (const kind of [...made.map((one) => one.kind), ...missing]) known.all.add(kind);
    }
  }
  const exercised = all.reduce((sum, { mutations }) => sum + mutations.length, 0);
  const unmutated = all.flatMap((one) => one.unmutated);
  return [
    `keyword constraints exercised: ${exercised} of ${exercised + unmutated.length}`,
    [...kinds].map(([keyword, { made, all }]) => `${keyword} ${made.size} of ${all.size} kinds`).join(", "),
    ...unmutated.map(({ constraint, why }) => `${constraint.pointer}: ${why}`),
  ].join("; ");
}

/** Those that are messages by themselves, and within the document's limit of bytes. */
export function mutationsWithin(
  { channel }: Pick<ContractUnderTest, "channel">,
  { mutations, missing }: Mutations,
): { readonly made: readonly Mutation[]; readonly missing: readonly string[] } {
  // An array in place of a message is a batch where the channel has batches.
  const fits = ({ value }: Mutation) =>
    Buffer.byteLength(JSON.stringify(value)) <= documentBytes(channel) && !(channel.batch !== undefined && Array.isArray(value));
  return {
    made: mutations.filter(fits),
    missing: [...missing, ...mutations.filter((one) => !fits(one)).map(({ kind }) => kind)],
  };
}

/** Which errors the document gives to a message whose keyword is broken. */
export function outcomesOf(
  subject: Pick<ContractUnderTest, "contract">,
  { message }: ClientMessage,
  constraint: KeywordConstraint,
): ErrorCode[] {
  const place = constraint.member === undefined ? constraint.location : join(constraint.location, constraint.member);
  // Where the tag itself is wrong, the frame may be said to be of no known type as well.
  const isTag = place === message.tag?.pointer || ("const" in constraint.schema && tellsApart(subject, message, place));
  return errorsFor(subject, isTag ? ["unknown-type", "not-in-schema"] : ["not-in-schema"]);
}

/** Whether other messages of the client have another value of the same type there. */
function tellsApart({ contract }: Pick<ContractUnderTest, "contract">, message: Message, place: string): boolean {
  const exampleAt = (one: Message | undefined) => lookup(one?.examples[0]?.payload, place);
  const own = exampleAt(message);
  return contract.operations.some(
    ({ action, messages }) =>
      action === "receive" &&
      messages.some((name) => {
        const other = exampleAt(contract.messages.find((one) => one.name === name));
        return typeof other === "string" && typeof own === "string" && other !== own;
      }),
  );
}

export function describeConstraint(
  { message }: Pick<ClientMessage, "message">,
  { keyword, location, member, schema }: KeywordConstraint,
): string {
  const bound = member ?? JSON.stringify(schema[keyword]) ?? "";
  return `${location || "the message"} of \`${message.name}\` has ${keyword} ${bound.length > 80 ? `${bound.slice(0, 80)}...` : bound}.`;
}

/** The message with an id that is fresh now, where it still has the one of the message that it was made from. */
export function withFreshId(context: Context, { message }: ClientMessage, base: unknown, mutation: Mutation): Mutation {
  const { correlation } = message;
  if (correlation === undefined || valueAt(base as Json, correlation) !== valueAt(mutation.value, correlation)) return mutation;
  return { ...mutation, value: withValueAt(mutation.value, correlation, context.id(message.name)) as Json };
}

/** Messages that would succeed but for one keyword, one for each kind of mutation. */
export function allBrokenIn(
  context: Context,
  client: ClientMessage,
  constraint: KeywordConstraint,
  base: unknown,
): readonly Mutation[] {
  return mutationsWithin(
    context,
    dataOf(context.contract)
      .of(client.message)
      .mutator.mutateAll(constraint, base as Json),
  ).made;
}

/** A message that would succeed but for one keyword, in the plainest way. An id that it has is fresh. */
export function breakIn(
  context: Context,
  client: ClientMessage,
  constraint: KeywordConstraint,
  base: unknown,
): Mutation & { readonly id: unknown } {
  const { correlation } = client.message;
  const id = context.id(client.message.name);
  const start = correlation === undefined ? base : withValueAt(base, correlation, id);
  const mutation = dataOf(context.contract)
    .of(client.message)
    .mutator.mutate(constraint, start as Json);
  if ("why" in mutation) throw new NotTestable(`${constraint.pointer} cannot be violated here: ${mutation.why}`);
  // Usable where it came through whole: not where the id itself is broken, or nothing of the message is left.
  const isWhole = correlation !== undefined && valueAt(mutation.value, correlation) === id;
  return { ...mutation, id: isWhole ? id : undefined };
}
