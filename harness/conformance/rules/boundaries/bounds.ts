// What the rules of the boundaries share: the bounds of the client's messages as promises, and messages at them that can be sent.

import type { JsonSchema } from "../../../../spec/contract.ts";
import type { ContractUnderTest } from "../../../client/context.ts";
import { withValueAt } from "../../../client/messages.ts";
import type { TestClient } from "../../../client/test-client.ts";
import { type AtBound, type Bound, type BoundKind, messagesAt } from "../../../schema/boundaries.ts";
import { dataOf } from "../../../schema/contract-data.ts";
import type { Json } from "../../../schema/json.ts";
import type { Context } from "../../context.ts";
import type { Clause } from "../../rule.ts";
import { baseFor, type ClientMessage, generatedMessages, isReadable, maxBytes } from "../client-messages.ts";

export interface BoundPromise extends Clause {
  readonly client: ClientMessage;
  readonly bound: Bound;
}

/** Bounds of these kinds that have a message on the side that is asked for. */
export function boundsOf(kinds: readonly BoundKind[], valid: boolean): (subject: ContractUnderTest) => readonly BoundPromise[] {
  return (subject) => {
    const { of } = dataOf(subject.contract);
    return generatedMessages(subject).flatMap((client) => {
      const { samples, validator, bounds } = of(client.message);
      const { payload } = client.message;
      return bounds
        .filter(({ kind }) => kinds.includes(kind))
        .filter((bound) => isOwn(client, bound))
        .filter((bound) => messagesAt(bound, samples.all[0]!, payload, samples, validator).some((at) => at.valid === valid))
        .map((bound) => ({ pointer: bound.pointer, text: describe(client, bound), client, bound }));
    });
  };
}

/** The tag says which message it is: another value there is another message. */
function isOwn({ message }: ClientMessage, { location }: Bound): boolean {
  return message.tag === undefined || location !== message.tag.pointer;
}

function describe({ message }: ClientMessage, { keyword, location, constraint, member }: Bound): string {
  const bound = JSON.stringify(constraint.schema[keyword]) ?? "";
  return member === undefined
    ? `${location || "the message"} of \`${message.name}\` has ${keyword} ${bound}.`
    : `\`${member}\` of ${location || "the message"} of \`${message.name}\` may be left out.`;
}

/** Messages at the bound that this connection may send, each with an id of its own; those over the limit of bytes are left out. */
export async function sendable(context: Context, testClient: TestClient, { client, bound }: BoundPromise): Promise<AtBound[]> {
  const { of } = dataOf(context.contract);
  const { samples, validator } = of(client.message);
  const schema: JsonSchema = client.message.payload;
  const base = (await baseFor(context, testClient, client)) as Json;
  return messagesAt(bound, base, schema, samples, validator).flatMap((at) => {
    if (isReadable(context, JSON.stringify(at.value))) return [at];
    context.note(`${bound.pointer}: ${at.label} would be over the limit of ${maxBytes(context)} bytes a message`);
    return [];
  });
}

/** The message with a fresh id, unless the bound is about the id or the message has none there. */
export function withFreshId(context: Context, { client, bound }: BoundPromise, value: unknown): unknown {
  const { correlation } = client.message;
  if (correlation === undefined || bound.location === correlation) return value;
  if (bound.member !== undefined && `${bound.location}/${bound.member}` === correlation) return value;
  return withValueAt(value, correlation, context.id(client.message.name));
}
