// Deliveries: what an operation sends to others reaches one of them, with the fields that the document fills, and the sender only if it says so.

import type { Effect, Example, Operation, Pointer, Value } from "../../../../spec/contract.ts";
import { lookup } from "../../../../spec/pointer.ts";
import type { ContractUnderTest } from "../../../client/context.ts";
import { incidentalRules } from "../../../client/incidental-violation.ts";
import { withValueAt } from "../../../client/messages.ts";
import { expectSuccess } from "../../../client/outcome.ts";
import { satisfyPreconditions, userFor } from "../../../client/preconditions.ts";
import type { Received } from "../../../client/received.ts";
import type { TestClient } from "../../../client/test-client.ts";
import { dataOf } from "../../../schema/contract-data.ts";
import { NotTestable, Violation } from "../../../schema/errors.ts";
import { equalJson } from "../../../schema/json.ts";
import { shortened } from "../../answer.ts";
import type { Context } from "../../context.ts";
import { boundValue } from "../../expectation.ts";
import { faults } from "../../faults/fault.ts";
import { type Clause, type Rule, rule } from "../../rule.ts";
import { type ClientMessage, clientMessages } from "../client-messages.ts";

export type Deliver = Extract<Effect, { kind: "deliver" }>;

export interface DeliveryPromise extends Clause {
  readonly client: ClientMessage;
  readonly effect: Deliver;
}

interface FieldPromise extends DeliveryPromise {
  readonly at: Pointer;
  readonly value: Value;
}

/** Deliveries of client operations that must arrive: best effort may drop them. */
export function deliveries(subject: ContractUnderTest): readonly DeliveryPromise[] {
  const bestEffort = new Set(
    (subject.channel.delivery?.streams ?? []).flatMap((stream) => (stream.guarantee === "best-effort" ? stream.messages : [])),
  );
  return clientMessages(subject)
    .filter(({ operation, message }) => operation.messages[0] === message.name)
    .flatMap((client) =>
      client.operation.effects.flatMap((effect) =>
        effect.kind === "deliver" && !bestEffort.has(effect.message) ? [{ pointer: effect.pointer, client, effect }] : [],
      ),
    );
}

function fields(subject: ContractUnderTest): readonly FieldPromise[] {
  return deliveries(subject).flatMap((promise) =>
    [...promise.effect.bindings]
      .filter(([, value]) => ["literal", "message", "sender"].includes(value.kind))
      .map(([at, value]) => ({ ...promise, at, value })),
  );
}

interface ExamplePromise extends DeliveryPromise {
  readonly example: Example;
}

/** Whether it ends what it requires, so that it cannot be done twice in a row. */
function isOnce({ requires, effects }: Operation): boolean {
  return requires.some(
    (one) =>
      one.kind === "relation" &&
      effects.some(
        (effect) => effect.kind === (one.present ? "remove" : "add") && "relation" in effect && effect.relation === one.relation,
      ),
  );
}

/** Whether the sender has left those to whom it goes, so that it is neither included nor excluded. */
function hasLeft({ effects }: Operation, { to, sender }: Deliver): boolean {
  const leaves = (one: Effect) => one.kind === "remove" && to.kind === "relation" && one.relation === to.relation;
  return sender === "included" && effects.some(leaves);
}

/** Deliveries that every sending of the example brings about: no key in it makes a repetition the same. */
function repeatable(subject: ContractUnderTest): readonly ExamplePromise[] {
  return deliveries(subject)
    .filter(({ effect, client: { operation } }) => effect.when === "always" && !isOnce(operation))
    .flatMap((promise) => {
      const keys = promise.client.operation.effects.flatMap((one) =>
        one.kind === "once" && one.key.kind === "message" ? [one.key.pointer] : [],
      );
      return promise.client.message.examples
        .filter(({ payload }) => keys.every((key) => lookup(payload, key) === undefined))
        .map((example) => ({ ...promise, example }));
    });
}

/** Where the delivery carries a text of the request which decides nothing else. */
export function freeTexts({ client, effect }: DeliveryPromise): readonly { readonly source: Pointer; readonly at: Pointer }[] {
  const { operation, message } = client;
  const deciding = [effect.to, ...operation.requires, ...operation.effects].flatMap((one) =>
    "where" in one ? [...one.where.values()] : "equals" in one ? [one.equals] : [],
  );
  const places = deciding.flatMap((value) => (value.kind === "message" ? [value.pointer] : []));
  const example = message.examples[0]!.payload;
  return [...effect.bindings].flatMap(([at, value]) =>
    value.kind === "message" && !places.includes(value.pointer) && typeof lookup(example, value.pointer) === "string"
      ? [{ source: value.pointer, at }]
      : [],
  );
}

export interface Scene {
  readonly sender: TestClient;
  /** Someone else to whom the effect delivers. */
  readonly other: TestClient;
  /** Succeeds now, and delivers to `other`; needs a fresh id each time. */
  readonly message: unknown;
  /** The columns of relations that both share. */
  readonly keys: Map<string, unknown>;
}

/**
 * A sender, and another connection that the effect reaches. Neither has messages that were not taken.
 * @param example of the message, default its first
 */
export async function stage(context: Context, { client, effect }: DeliveryPromise, example?: unknown): Promise<Scene> {
  const { operation } = client;
  const sender = await context.dial({ user: await userFor(context, operation) });
  const other = await context.dial();
  const keys = new Map<string, unknown>();
  let message = await satisfyPreconditions(context, sender, operation, keys, example);
  // Others may do the same at the same time: a text of our own tells their deliveries from ours.
  const isValid = dataOf(context.contract).of(client.message).samples.isValid;
  for (const { source } of freeTexts({ client, effect, pointer: effect.pointer })) {
    const unique = withValueAt(message, source, context.fresh("text"));
    if (isValid(unique)) message = unique;
  }
  const { to } = effect;
  if (to.kind === "connection") {
    if (to.equals.kind !== "message") throw new NotTestable(`who receives ${effect.message} does not follow from the request`);
    message = withValueAt(message, to.equals.pointer, other.attributes.get(to.attribute));
  } else if (to.kind === "relation") {
    await enter(context, other, to.relation, keys);
    // Where the operation ends the relation, the sender must be in it first, else nothing changes.
    if (operation.effects.some((one) => one.kind === "remove" && one.relation === to.relation)) {
      await enter(context, sender, to.relation, keys);
    }
  }
  await sender.fence();
  await other.fence();
  sender.takeAll();
  other.takeAll();
  return { sender, other, message, keys };
}

/** Brings the connection into the relation, under these keys. */
export async function enter(
  context: Context,
  testClient: TestClient,
  relation: string,
  keys: Map<string, unknown>,
): Promise<void> {
  const adding = context.contract.operations.find(
    ({ action, channel, effects }) =>
      action === "receive" &&
      channel === context.channel.id &&
      effects.some((effect) => effect.kind === "add" && effect.relation === relation),
  );
  if (adding === undefined) throw new NotTestable(`no operation adds to the relation ${relation}`);
  expectSuccess(context, adding, await testClient.request(await satisfyPreconditions(context, testClient, adding, keys)));
}

/** Whether it is this effect of this sender, by what the document says of the sender; else by its name alone. */
export function isOf(effect: Deliver, sender: TestClient): (received: Received) => boolean {
  const own = [...effect.bindings].flatMap(([at, value]) => (value.kind === "sender" ? [[at, value.attribute] as const] : []));
  return ({ name, value }) =>
    name === effect.message && own.every(([at, attribute]) => equalJson(lookup(value, at), sender.attributes.get(attribute)));
}

async function perform(context: Context, { sender, message }: Scene, { operation }: ClientMessage): Promise<unknown> {
  const { correlation } = context.message(operation.messages[0]!);
  const sent = correlation === undefined ? message : withValueAt(message, correlation, context.id(operation.messages[0]));
  if (operation.reply === undefined) sender.send(sent);
  else {
    expectSuccess(context, operation, await sender.request(sent));
  }
  return sent;
}

const describing = (effect: Deliver, test: (received: Received) => boolean) =>
  Object.assign((received: Received) => test(received), { describes: `${effect.message} of this sender` });

export const deliveryRules: readonly Rule[] = [
  rule<DeliveryPromise>({
    id: "examples-delivery",
    level: "MUST",
    phase: "examples",
    title: "delivers to others what the effect declares",
    from: deliveries,
    async check(context, promise) {
      const scene = await stage(context, promise);
      await perform(context, scene, promise.client);
      await scene.other.receive(describing(promise.effect, isOf(promise.effect, scene.sender)));
    },
    brokenBy: ({ effect }) => faults.dropsMessage(effect.message),
  }),

  rule<FieldPromise>({
    id: "examples-delivery-fields",
    level: "MUST",
    phase: "examples",
    title: "delivered fields have the values that the effect declares",
    from: fields,
    async check(context, promise) {
      const { effect, at, value } = promise;
      const scene = await stage(context, promise);
      const sent = await perform(context, scene, promise.client);
      // By its name alone: a wrong sender is what this may be about.
      const delivered = await scene.other.receive(
        describing(effect, (received) => received.name === effect.message && !foreign(effect, received, at, scene, sent)),
      );
      const wanted = boundValue(value, sent, scene.sender);
      const actual = lookup(delivered.value, at);
      if (!equalJson(wanted, actual)) {
        throw new Violation(
          `${JSON.stringify(wanted)} at ${at} of ${effect.message}`,
          `${JSON.stringify(actual) ?? "nothing"} in ${shortened(delivered.text)}`,
        );
      }
    },
    brokenBy: ({ effect, at }) => faults.altersField(effect.message, at),
  }),

  rule<DeliveryPromise>({
    id: "examples-delivery-sender",
    level: "MUST",
    phase: "examples",
    title: "delivers to the sender only where the document includes it",
    from: (subject) =>
      deliveries(subject).filter(
        ({ effect, client: { operation } }) =>
          subject.channel.delivery?.fence !== undefined && effect.to.kind !== "connection" && !hasLeft(operation, effect),
      ),
    async check(context, promise) {
      const { effect } = promise;
      const scene = await stage(context, promise);
      const { to } = effect;
      // Who need not be in the relation to send gets it only where it is.
      const takesPart = [...promise.client.operation.requires, ...promise.client.operation.effects].some(
        (one) => "relation" in one && to.kind === "relation" && one.relation === to.relation,
      );
      if (effect.sender === "included" && to.kind === "relation" && !takesPart) {
        await enter(context, scene.sender, to.relation, scene.keys);
        scene.sender.takeAll();
      }
      await perform(context, scene, promise.client);
      const isIt = describing(effect, isOf(effect, scene.sender));
      if (effect.sender === "included") {
        await scene.sender.receive(isIt);
        return;
      }
      await scene.other.receive(isIt);
      const own = (await scene.sender.fence()).find(isIt);
      context.judged();
      if (own !== undefined) throw new Violation(`no ${effect.message} to the one who caused it`, shortened(own.text));
    },
    brokenBy: ({ effect }) =>
      effect.sender === "included" ? faults.skipsSender(effect.message) : faults.deliversToSender(effect.message),
  }),

  rule<DeliveryPromise>({
    id: incidentalRules.stray,
    level: "MUST",
    phase: "examples",
    title: "delivers nothing to uninvolved connections, including the harness's idle one",
    from: (subject) => deliveries(subject).filter(({ effect }) => effect.to.kind !== "all"),
    async check(context, promise) {
      const stranger = await context.dial();
      const scene = await stage(context, promise);
      await perform(context, scene, promise.client);
      await scene.other.receive(describing(promise.effect, isOf(promise.effect, scene.sender)));
      // What strays is reported as it comes.
      await stranger.fence();
    },
    brokenBy: ({ effect }) => faults.deliversToStranger(effect.message),
  }),

  rule<DeliveryPromise>({
    id: "examples-delivery-once",
    level: "MUST",
    phase: "examples",
    title: "delivers exactly once",
    from: (subject) => (subject.channel.delivery?.fence === undefined ? [] : deliveries(subject)),
    async check(context, promise) {
      const { effect } = promise;
      const scene = await stage(context, promise);
      const { sender, other } = scene;
      await perform(context, scene, promise.client);
      const isIt = isOf(effect, sender);
      await other.receive(describing(effect, isIt));
      const more = (await other.fence()).find(isIt);
      context.judged();
      if (more !== undefined) throw new Violation(`${effect.message} once`, `once more: ${shortened(more.text)}`);
    },
    brokenBy: ({ effect }) => faults.duplicatesMessage(effect.message),
  }),

  rule<ExamplePromise>({
    id: "examples-delivery-each",
    level: "MUST",
    phase: "examples",
    title: "delivers a repeated message again where no idempotency is declared",
    from: repeatable,
    async check(context, promise) {
      const { client, effect, example } = promise;
      const scene = await stage(context, promise, example.payload);
      const isIt = describing(effect, isOf(effect, scene.sender));
      for (let count = 0; count < 2; count++) {
        await perform(context, scene, client);
        await scene.other.receive(isIt);
      }
    },
    brokenBy: ({ effect }) => faults.dropsMessage(effect.message, { fromNth: 2 }),
  }),
];

/**
 * Whether another field shows that somebody else caused it, so that it is none of this check's. What says who the sender is
 * decides by itself: others may send the same content at the same time.
 */
function foreign(effect: Deliver, received: Received, at: Pointer, { sender }: Scene, sent: unknown): boolean {
  const others = [...effect.bindings].filter(([other]) => other !== at);
  const differs = ([other, value]: (typeof others)[number]) =>
    !equalJson(boundValue(value, sent, sender), lookup(received.value, other));
  const bySender = others.filter(([, { kind }]) => kind === "sender");
  if (bySender.length > 0) return bySender.some(differs);
  const byMessage = others.filter(([, { kind }]) => kind === "message");
  return byMessage.length > 0 && byMessage.every(differs);
}
