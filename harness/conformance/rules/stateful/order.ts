// Rules on order, positions, counts, idempotency keys and replays.
import { splitBindings } from "../../../model/protocol.ts";
import { faults } from "../../faults/fault.ts";
import type { Rule } from "../../rule.ts";
import {
  altersContent,
  at,
  counted,
  deliveries,
  effectsOf,
  inStream,
  messageOf,
  onAcknowledgement,
  operations,
  ordered,
  positioned,
  replyOf,
  stateful,
} from "./clauses.ts";

export const orderRules: readonly Rule[] = [
  stateful(
    "order-total",
    "all members see one order",
    (p) =>
      positioned(p)
        .filter(({ order }) => order === "total")
        .map(at),
    (stream, p) => inStream(stream, p, (message) => faults.reordersMessages(message)),
  ),
  stateful(
    "order-sender",
    "preserves the order of each sender",
    (p) => ordered(p).map(at),
    (stream, p) =>
      stream.seq === undefined
        ? inStream(stream, p, (message) => faults.reordersMessages(message))
        : onAcknowledgement(stream, p, (reply, seqAt) => faults.addsToField(reply, seqAt, -9, { everyNth: 2 })),
  ),
  stateful(
    "order-real-time",
    "positions respect real time: later requests get later positions",
    (p) =>
      positioned(p)
        .filter(({ order }) => order === "total")
        .map(at),
    (stream, p) => onAcknowledgement(stream, p, (reply, seqAt) => faults.addsToField(reply, seqAt, -9, { everyNth: 2 })),
  ),
  stateful(
    "position-contiguous",
    "no gaps in positions",
    (p) => positioned(p).map(at),
    (stream, p) => inStream(stream, p, (message) => faults.dropsMessage(message, { everyNth: 2 })),
  ),
  stateful(
    "position-once",
    "no duplicate positions",
    (p) => positioned(p).map(at),
    (stream, p) => inStream(stream, p, (message) => faults.duplicatesMessage(message)),
  ),
  stateful(
    "position-consistent-between-observers",
    "all observers see the same event at a position",
    (p) => positioned(p).map(at),
    (stream, p) => {
      const effect = deliveries(p).find(({ of }) => of.when === "always" && stream.messages.includes(of.message))?.of;
      return [effect === undefined ? undefined : altersContent(effect.message, effect, p, 2)];
    },
  ),
  stateful(
    "count-in-range",
    "member count stays within range",
    (p) => effectsOf(p, "reply").filter(({ of }) => splitBindings(of.bindings).counts.length > 0),
    (effect) => {
      const [count] = splitBindings(effect.bindings).counts;
      return [count === undefined ? undefined : faults.addsToField(effect.message, count.pointer, 1)];
    },
  ),
  stateful(
    "list-matches-relation",
    "lists exactly the members of the relation",
    (p) => effectsOf(p, "reply").filter(({ of }) => splitBindings(of.bindings).lists.length > 0),
    (effect) => splitBindings(effect.bindings).lists.map(({ pointer }) => faults.changesField(effect.message, pointer, [])),
  ),
  stateful(
    "count-exact-at-position",
    "member count is exact at every position",
    (p) => (positioned(p).length === 0 ? [] : counted(p)),
    (effect) => {
      const [count] = splitBindings(effect.bindings).counts;
      return [count === undefined ? undefined : faults.addsToField(effect.message, count.pointer, 1)];
    },
  ),
  stateful(
    "idempotency-key-honoured",
    "honours idempotency keys",
    (p) => effectsOf(p, "once").filter(({ of }) => of.key.kind === "message"),
    (effect, p) => {
      const operation = operations(p).find(({ effects }) => effects.includes(effect));
      const message = operation === undefined ? undefined : messageOf(p, operation);
      return [
        message === undefined || effect.key.kind !== "message"
          ? undefined
          : faults.removesField(message.name, effect.key.pointer),
      ];
    },
  ),
  stateful(
    "replay-complete",
    "replay is complete when the reply says so",
    (p) => effectsOf(p, "replay").filter(({ of }) => of.recovered !== undefined),
    (effect, p) => {
      const operation = operations(p).find(({ effects }) => effects.includes(effect));
      return [operation === undefined ? undefined : faults.replaysWithGap(operation.id)];
    },
  ),
  stateful(
    "replay-flag-truthful",
    "the recovered flag is truthful",
    (p) => effectsOf(p, "replay").filter(({ of }) => of.recovered !== undefined),
    (effect, p) => {
      const operation = operations(p).find(({ effects }) => effects.includes(effect));
      const reply = operation === undefined ? undefined : replyOf(operation);
      return [
        reply === undefined || effect.recovered === undefined
          ? undefined
          : faults.changesField(reply.message, effect.recovered, true),
      ];
    },
  ),
];
