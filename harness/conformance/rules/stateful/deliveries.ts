// Rules on deliveries: to everyone addressed, to nobody else, once, with the right content.
import { faults } from "../../faults/fault.ts";
import type { Rule } from "../../rule.ts";
import {
  altersContent,
  at,
  besidesFence,
  deliveries,
  effectsOf,
  named,
  operations,
  type RequirementOf,
  replyOf,
  requirements,
  stateful,
} from "./clauses.ts";

export const deliveryRules: readonly Rule[] = [
  stateful(
    "delivered-to-every-member",
    "delivers to every member of the relation",
    (p) => deliveries(p, "relation"),
    (effect) => [faults.dropsMessage(effect.message, { everyNth: 2 })],
  ),
  stateful(
    "delivered-to-addressee",
    "delivers to the addressed connection",
    (p) => deliveries(p, "connection"),
    (effect) => [faults.dropsMessage(effect.message, { everyNth: 2 })],
  ),
  stateful(
    "broadcast-to-all",
    "delivers a broadcast to every connection",
    (p) => deliveries(p, "all"),
    (effect) => {
      const literal = [...effect.bindings].find(([, value]) => value.kind === "literal");
      const where = literal?.[1].kind === "literal" ? { where: { pointer: literal[0], equals: literal[1].value } } : {};
      return [faults.dropsMessage(effect.message, { ...where, everyNth: 2 })];
    },
  ),
  stateful(
    "delivered-to-nobody-else",
    "delivers to nobody else",
    (p) => [...deliveries(p, "relation"), ...deliveries(p, "connection")],
    (effect) => [faults.deliversToStranger(effect.message)],
  ),
  stateful(
    "sender-is-excluded",
    "does not deliver to an excluded sender",
    (p) =>
      deliveries(p, "relation").filter(
        ({ of, operation }) => of.sender === "excluded" && !operation.effects.some(({ kind }) => kind === "remove"),
      ),
    (effect) => [faults.deliversToSender(effect.message)],
  ),
  stateful(
    "delivered-once",
    "delivers exactly once",
    (p) => deliveries(p, "connection"),
    (effect) => [faults.duplicatesMessage(effect.message)],
  ),
  stateful(
    "delivered-fields-match",
    "delivery has the correct content and sender",
    (p) => deliveries(p).filter(({ of }) => of.when === "always"),
    (effect, p) => [altersContent(effect.message, effect, p, 1)],
  ),
  stateful(
    "rejected-has-no-effect",
    "a rejected request has no effect",
    (p) => requirements(p).filter(({ of }) => of.operation.effects.some(({ kind }) => kind === "deliver")),
    ({ operation, requirement }: RequirementOf) => [faults.deliversRefused(operation.id, requirement.else)],
  ),
  stateful(
    "unchanged-announces-nothing",
    "announces nothing when nothing changed",
    (p) => deliveries(p).filter(({ of }) => of.when === "changed"),
    (effect, p) => {
      const operation = operations(p).find(({ effects }) => effects.includes(effect));
      return [operation === undefined ? undefined : faults.announcesUnchanged(operation.id)];
    },
  ),
  stateful(
    "no-delivery-after-removal",
    "delivers nothing to a former member",
    (p) => {
      const addressed = new Set(deliveries(p).flatMap(({ of: { to } }) => (to.kind === "relation" ? [to.relation] : [])));
      return effectsOf(p, "remove").filter(({ operation }) =>
        operation.effects.some((effect) => effect.kind === "remove" && addressed.has(effect.relation)),
      );
    },
    (effect, p) => {
      const operation = operations(p).find(({ effects }) => effects.includes(effect));
      const message = deliveries(p, "relation").find(({ of }) => of.when === "always")?.of.message;
      return [operation === undefined || message === undefined ? undefined : faults.keepsDelivering(operation.id, message)];
    },
  ),
  stateful(
    "disconnect-effect-delivered",
    "tells others when a connection ends",
    (p) =>
      p.contract.state.relations.flatMap(({ onDisconnect }) =>
        onDisconnect.filter((effect) => effect.kind === "deliver").map(at),
      ),
    () => [faults.keepsHalfOpen()],
  ),
  stateful(
    "unexpected-message",
    "sends no unexpected message",
    (p) => [at(p.channel)],
    (_channel, p) => {
      const operation = besidesFence(p).find((candidate) => named(p, replyOf(candidate)?.message)?.correlation !== undefined);
      const correlation = operation === undefined ? undefined : named(p, replyOf(operation)?.message)?.correlation;
      return [operation === undefined || correlation === undefined ? undefined : faults.wrongReplyId(operation.id, correlation)];
    },
  ),
  stateful(
    "first-message-once",
    "sends the first message exactly once",
    (p) => (p.channel.handshake?.first === undefined ? [] : [at(p.channel.handshake)]),
    (handshake) => [faults.duplicatesMessage(handshake.first ?? "")],
  ),
  stateful(
    "no-unexpected-close",
    "does not close connections without a declared cause",
    (p) => [at(p.channel)],
    (_channel, p) => {
      const message = deliveries(p).find(({ of }) => of.when === "always")?.of.message;
      return [message === undefined ? undefined : faults.closesAfter(message, 1011, { everyNth: 2 })];
    },
  ),
];
