// After a malformed frame: nothing of it was delivered, the connection works on, and others do not notice.

import { lookup } from "../../../../spec/pointer.ts";
import type { ContractUnderTest } from "../../../client/context.ts";
import { withValueAt } from "../../../client/messages.ts";
import { expectSuccess } from "../../../client/outcome.ts";
import { satisfyPreconditions, userFor } from "../../../client/preconditions.ts";
import { createQuotaAwareConnection } from "../../../client/quota-aware-connection.ts";
import { dataOf } from "../../../schema/contract-data.ts";
import { Violation } from "../../../schema/errors.ts";
import { answerTo, describeAnswer, shortened } from "../../answer.ts";
import type { Context } from "../../context.ts";
import { faults } from "../../faults/fault.ts";
import { type Rule, rule } from "../../rule.ts";
import { type ClientMessage, clientMessages, errorsFor, isReadable, maxBytes, toleratedErrors } from "../client-messages.ts";
import { type DeliveryPromise, deliveries, isOf, type Scene, stage } from "../examples/deliveries.ts";
import { undeclaredCode } from "./hostile.ts";
import { breakableMessages, breakIn, type MessagePromise } from "./mutations.ts";

/** Deliveries of operations whose messages can be broken. */
function refusable(subject: ContractUnderTest): readonly DeliveryPromise[] {
  const names = new Set(breakableMessages(subject).map(({ client }) => client.message.name));
  return deliveries(subject).filter(({ client }) => names.has(client.message.name));
}

/** A valid request of the scene, whose delivery shows that all before it has been dealt with. */
async function succeed(context: Context, { sender, other, message }: Scene, { client, effect }: DeliveryPromise): Promise<void> {
  const { correlation } = client.message;
  const sent = correlation === undefined ? message : withValueAt(message, correlation, context.id(client.message.name));
  if (client.operation.reply === undefined) sender.send(sent);
  else {
    expectSuccess(context, client.operation, await sender.request(sent));
  }
  await other.receive(Object.assign(isOf(effect, sender), { describes: `${effect.message} of this sender` }));
}

export const aftermathRules: readonly Rule[] = [
  rule<DeliveryPromise>({
    id: "invalid-nothing-delivered",
    level: "MUST",
    phase: "invalid",
    title: "delivers nothing of a rejected frame",
    from: refusable,
    async check(context, promise) {
      const { client, effect } = promise;
      const { mutations } = dataOf(context.contract).of(client.message);
      const perScene = toleratedErrors(context);
      // Members outside the envelope first: they are what an operation that forgot to check would deliver.
      const inner = mutations.filter(({ constraint }) => constraint.location.includes("/")).slice(0, perScene);
      const scene = await stage(context, promise);
      const repeatable = !client.operation.effects.some(({ kind }) => kind === "add" || kind === "remove");
      if (repeatable) await succeed(context, scene, promise);
      for (const { constraint } of inner) {
        const { value } = breakIn(context, client, constraint, scene.message);
        const answer = await answerTo(context, scene.sender, JSON.stringify(value));
        if (answer.kind === "closed") return;
      }
      await succeed(context, scene, promise);
      const isIt = isOf(effect, scene.sender);
      const more = (await scene.other.fence()).find(isIt);
      context.judged(inner.length);
      if (more !== undefined) throw new Violation(`no ${effect.message} of a rejected frame`, shortened(more.text));
    },
    brokenBy: ({ client, effect }, subject) => {
      const [code] = errorsFor(subject, ["not-in-schema"]);
      return effect.to.kind === "connection" || code === undefined
        ? faults.duplicatesMessage(effect.message)
        : faults.deliversRefused(client.operation.id, code.code);
    },
  }),

  rule<MessagePromise>({
    id: "invalid-connection-usable",
    level: "MUST",
    phase: "invalid",
    title: "connection stays usable after malformed frames",
    from: (subject) =>
      breakableMessages(subject).filter(
        ({ client }) =>
          client.operation.reply !== undefined &&
          client.operation.messages[0] === client.message.name &&
          errorsFor(subject, ["not-in-schema", "unknown-type", "not-json"]).every(({ close }) => close === undefined),
      ),
    async check(context, { client }) {
      const { mutations } = dataOf(context.contract).of(client.message);
      const testClient = await context.dial({ user: await userFor(context, client.operation) });
      const message = await satisfyPreconditions(context, testClient, client.operation);
      for (const { constraint } of mutations.slice(0, Math.min(4, toleratedErrors(context)))) {
        const { value } = breakIn(context, client, constraint, message);
        if (!isReadable(context, JSON.stringify(value))) continue;
        const answer = await answerTo(context, testClient, JSON.stringify(value));
        if (answer.kind === "closed")
          throw new Violation("the connection to stay open after a malformed frame", describeAnswer(answer));
      }
      expectSuccess(context, client.operation, await testClient.request(freshly(context, client, message)));
    },
    brokenBy: (_, subject) => faults.closesOnInvalid(undeclaredCode(subject)),
  }),

  rule({
    id: "invalid-others-unaffected",
    level: "MUST",
    phase: "invalid",
    title: "malformed input on one connection does not affect others",
    from: ({ contract, channel }) =>
      channel.delivery?.fence === undefined || contract.errors?.reply.message === undefined ? [] : [{ pointer: channel.pointer }],
    async check(context) {
      const controlConnection = await context.dial({ stays: true });
      const texts = dataOf(context.contract)
        .malformed(context.channel)
        .map((frame) => frame.text(context.id(), maxBytes(context)))
        .filter((text) => isReadable(context, text));
      const sender = createQuotaAwareConnection(context, undefined);
      for (const text of texts) await answerTo(context, await sender.ready(true), text);
      const errors = (await controlConnection.fence()).filter((received) => context.errorCode(received) !== undefined);
      context.judged(texts.length);
      if (errors.length > 0) throw new Violation("no error on a connection that sent nothing", shortened(errors[0]!.text));
    },
    brokenBy: (_, { contract }) => faults.deliversToStranger(contract.errors!.reply.message!),
  }),

  rule<MessagePromise>({
    id: "invalid-state-kept",
    level: "MUST",
    phase: "invalid",
    title: "a rejected frame does not change the connection's state",
    from: (subject) =>
      breakableMessages(subject).filter(
        ({ client }) =>
          client.operation.reply !== undefined &&
          client.operation.messages[0] === client.message.name &&
          client.operation.requires.some(({ kind }) => kind === "relation") &&
          errorsFor(subject, ["not-in-schema"]).every(({ close }) => close === undefined),
      ),
    async check(context, { client }) {
      const testClient = await context.dial({ user: await userFor(context, client.operation) });
      const message = await satisfyPreconditions(context, testClient, client.operation);
      // Malformed frames of all operations: one that ends the relation must not have taken effect.
      const others = clientMessages(context).filter(({ operation }) => operation.effects.some(({ kind }) => kind === "remove"));
      let left = toleratedErrors(context);
      for (const other of others) {
        const place = sharedPlace(other, client);
        const { mutations } = dataOf(context.contract).of(other.message);
        let base = context.example(other.message.name);
        if (place !== undefined) base = withValueAt(base, place.other, lookup(message, place.own));
        for (const { constraint } of mutations) {
          if (left-- <= 0) break;
          const { value } = breakIn(context, other, constraint, base);
          if (!isReadable(context, JSON.stringify(value))) continue;
          await answerTo(context, testClient, JSON.stringify(value));
        }
      }
      expectSuccess(context, client.operation, await testClient.request(freshly(context, client, message)), "still");
    },
    brokenBy: ({ client }) => {
      const requirement = client.operation.requires.find(({ kind }) => kind === "relation")!;
      return faults.answersWith(client.operation.id, requirement.else);
    },
  }),
];

function freshly(context: Context, { message: { correlation, name } }: ClientMessage, message: unknown): unknown {
  return correlation === undefined ? message : withValueAt(message, correlation, context.id(name));
}

/** Where both operations name the same column, such as the room. */
function sharedPlace(
  other: MessagePromise["client"],
  own: MessagePromise["client"],
): { readonly other: string; readonly own: string } | undefined {
  const removing = other.operation.effects.find((effect) => effect.kind === "remove");
  if (removing?.kind !== "remove") return undefined;
  for (const requirement of own.operation.requires) {
    if (requirement.kind !== "relation" || requirement.relation !== removing.relation) continue;
    for (const [column, value] of requirement.where) {
      const there = removing.where.get(column);
      if (value.kind === "message" && there?.kind === "message") return { other: there.pointer, own: value.pointer };
    }
  }
  return undefined;
}
