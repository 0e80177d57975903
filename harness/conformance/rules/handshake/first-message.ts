// The first message of a connection: it is first, it comes once, it says who the client is and which numbers are in force.

import type { Attribute, Pointer } from "../../../../spec/contract.ts";
import { lookup } from "../../../../spec/pointer.ts";
import type { ContractUnderTest } from "../../../client/context.ts";
import { describeReceived } from "../../../client/format.ts";
import { Violation } from "../../../schema/errors.ts";
import { describeRefusal } from "../../check.ts";
import type { Context } from "../../context.ts";
import { faults } from "../../faults/fault.ts";
import { type Clause, type Rule, rule } from "../../rule.ts";

interface First extends Clause {
  readonly first: string;
}

function firstMessage({ contract, channel: { handshake } }: ContractUnderTest): readonly First[] {
  const message = contract.messages.find(({ name }) => name === handshake?.first);
  return message === undefined ? [] : [{ pointer: message.pointer, first: message.name }];
}

interface FromClaim extends First {
  readonly attribute: Attribute;
}

function attributes(subject: ContractUnderTest, wanted: (attribute: Attribute) => boolean): readonly FromClaim[] {
  return firstMessage(subject).flatMap(({ first }) =>
    subject.contract.state.attributes
      .filter(wanted)
      .map((attribute) => ({ pointer: `#/x-state/connection/${attribute.name}`, text: attribute.description, first, attribute })),
  );
}

/** The message that shows that the server is at work: the fence's. Where there is none, nothing is sent. */
function sendFence(context: Context, send: (message: unknown) => void): void {
  const fence = context.contract.operations.find(({ id }) => id === context.channel.delivery?.fence);
  const name = fence?.messages[0];
  if (name !== undefined) send(context.example(name));
}

export const firstMessageRules: readonly Rule[] = [
  rule({
    id: "handshake-first-message",
    level: "MUST",
    phase: "handshake",
    title: "sends the declared first message before any other, even to a client that sends at once",
    from: firstMessage,
    async check(context, { first }) {
      const attempt = await context.attempt();
      if (attempt.kind !== "open") throw new Violation("the handshake to be accepted", describeRefusal(attempt));
      sendFence(context, (message) => attempt.client.send(message));
      await attempt.client.receiveNext(first);
    },
    brokenBy: ({ first }) => faults.firstMessageLate(first),
  }),
  rule({
    id: "handshake-first-message-valid",
    level: "MUST",
    phase: "handshake",
    title: "first message matches its schema",
    from: firstMessage,
    async check({ dial }, { first }) {
      const client = await dial();
      const wrong = client.first?.wrong ?? [];
      if (wrong.length > 0)
        throw new Violation(`${first} as its schema has it`, `${client.first?.text} which ${wrong.join("; ")}`);
    },
    brokenBy: ({ first }) => faults.leaksField(first),
  }),
  rule({
    id: "handshake-first-message-once",
    level: "MUST",
    phase: "handshake",
    title: "sends the first message exactly once",
    from: firstMessage,
    async check({ dial }, { first }) {
      const client = await dial();
      const second = (await client.fence()).find(({ name }) => name === first);
      if (second !== undefined) throw new Violation(`${first} once`, `a second one, ${describeReceived(second)}`);
    },
    brokenBy: ({ first }) => faults.duplicatesMessage(first),
  }),
  rule({
    id: "handshake-attribute-from-claim",
    level: "MUST",
    phase: "handshake",
    title: "connection attribute equals the claim of its credential",
    from: (subject) =>
      attributes(subject, ({ claim }) => claim !== undefined && subject.channel.handshake?.credentials !== undefined),
    async check(context, { attribute }) {
      const claim = attribute.claim ?? "";
      const client = await context.dial();
      const expected = client.user.claims.get(claim);
      const actual = client.attributes.get(attribute.name);
      if (expected === undefined) context.note(`the credential has no claim ${claim}, so ${attribute.name} was not compared`);
      else if (actual !== expected)
        throw new Violation(`${attribute.name} ${JSON.stringify(expected)}, from ${claim}`, JSON.stringify(actual) ?? "nothing");
    },
    brokenBy: ({ first, attribute }) => faults.altersField(first, attribute.at),
  }),
  rule({
    id: "handshake-attribute-unique",
    level: "MUST",
    phase: "handshake",
    title: "unique attributes differ between connections, also of one user",
    from: (subject) => attributes(subject, ({ unique }) => unique),
    async check(context, { attribute }) {
      const user = await context.user();
      const peers = [await context.dial({ user }), await context.dial({ user }), await context.dial()];
      const values = peers.map((client) => JSON.stringify(client.attributes.get(attribute.name)));
      if (new Set(values).size < values.length) throw new Violation(`a ${attribute.name} for each connection`, values.join(", "));
    },
    brokenBy: ({ first, attribute }) => faults.changesField(first, attribute.at, "same-for-all"),
  }),
  rule({
    id: "handshake-advertised-number",
    level: "MUST",
    phase: "handshake",
    title: "advertises its limits in the declared member",
    from: (subject) =>
      firstMessage(subject).flatMap(({ first }) => advertised(subject).map((promise) => ({ ...promise, first }))),
    async check({ dial }, { at }) {
      const client = await dial();
      const actual = lookup(client.first?.value, at);
      if (typeof actual !== "number" || !Number.isFinite(actual) || actual < 0) {
        throw new Violation(`a number from 0 at ${at} of the first message`, JSON.stringify(actual) ?? "nothing");
      }
    },
    brokenBy: ({ first, at }) => faults.removesField(first, at),
  }),
];

interface Advertised extends Clause {
  readonly at: Pointer;
}

/** Every place of the first message that says a number of the document anew. */
function advertised({ channel }: ContractUnderTest): readonly Advertised[] {
  const promises: { readonly pointer: string; readonly at: Pointer | undefined }[] = [
    ...channel.limits.map(({ pointer, advertised }) => ({ pointer, at: advertised })),
    ...channel.rateLimits.flatMap(({ pointer, advertised }) => Object.values(advertised).map((at) => ({ pointer, at }))),
    ...Object.values(channel.heartbeat?.advertised ?? {}).map((at) => ({ pointer: channel.heartbeat?.pointer ?? "", at })),
  ];
  return promises.flatMap(({ pointer, at }) => (at === undefined ? [] : [{ pointer, at }]));
}
