// Rules on replies: one for each request, the right one, with the right fields and errors.
import type { ErrorCode } from "../../../../spec/contract.ts";
import { splitBindings } from "../../../model/protocol.ts";
import { faults } from "../../faults/fault.ts";
import type { Rule } from "../../rule.ts";
import {
  answered,
  at,
  besidesFence,
  breaksCode,
  effectsOf,
  messageOf,
  named,
  onAcknowledgement,
  positioned,
  type RequirementOf,
  replyOf,
  requiredCodes,
  requirements,
  stateful,
} from "./clauses.ts";

export const replyRules: readonly Rule[] = [
  stateful(
    "reply-exactly-one",
    "replies exactly once to each request",
    (p) => besidesFence(p).map(at),
    (operation) => [faults.swallowsReply(operation.id), faults.repliesTwice(operation.id)],
  ),
  stateful(
    "reply-matches-effect",
    "replies with the declared message",
    (p) => effectsOf(p, "reply").filter(({ operation }) => operation !== p.fence),
    (effect, p) => {
      const own = named(p, effect.message);
      const other = p.contract.messages.find(
        ({ name, tag }) =>
          p.replies.has(name) && tag !== undefined && name !== effect.message && name !== p.contract.errors?.reply.message,
      );
      return [
        own?.tag === undefined || other?.tag === undefined
          ? undefined
          : faults.changesField(own.name, own.tag.pointer, other.tag.value),
      ];
    },
  ),
  stateful(
    "reply-fields-match",
    "reply fields match the request and its sender",
    (p) =>
      effectsOf(p, "reply").filter(
        ({ of, operation }) =>
          operation !== p.fence && splitBindings(of.bindings).fixed.some(([, value]) => value.kind !== "literal"),
      ),
    (effect, p) => {
      const operation = answered(p).find(({ effects }) => effects.includes(effect));
      const [pointer] = splitBindings(effect.bindings).fixed.find(([, value]) => value.kind !== "literal") ?? [];
      return [operation === undefined || pointer === undefined ? undefined : faults.altersReply(operation.id, pointer)];
    },
  ),
  stateful(
    "requirement-is-enforced",
    "rejects a request whose requirement does not hold",
    requirements,
    ({ operation, requirement }: RequirementOf) => [faults.acceptsRefused(operation.id, requirement.else)],
  ),
  stateful(
    "error-by-first-failed-requirement",
    "rejects with the error of the first failed requirement",
    requiredCodes,
    (code, p) => [breaksCode(code, p)],
  ),
  stateful(
    "allowed-is-not-rejected",
    "accepts a request whose requirements hold",
    (p) =>
      besidesFence(p)
        .filter(({ requires }) => requires.length > 0)
        .map(at),
    (operation, p) => {
      const code = p.contract.errors?.codes.find(({ when }) => when === "required");
      const message = messageOf(p, operation);
      return [code === undefined || message === undefined ? undefined : faults.answersWith(operation.id, code.code)];
    },
  ),
  stateful(
    "error-retryable-as-declared",
    "error carries the declared retryable flag",
    (p) => (p.contract.errors?.reply.retryable === undefined ? [] : requiredCodes(p)),
    (code, p) => [faults.altersError(code.code, p.contract.errors?.reply.retryable ?? "")],
  ),
  stateful(
    "malformed-is-rejected",
    "rejects malformed frames with the declared error",
    (p) => (p.contract.errors?.codes ?? []).filter(({ when }) => when === "not-json" || when === "unknown-type").map(at),
    (code: ErrorCode) => [faults.ignoresInvalid(code.when === "not-json" ? "not-json" : "unknown-type")],
  ),
  stateful(
    "no-internal-error",
    "no internal error on a valid request",
    (p) => (p.contract.errors?.codes ?? []).filter(({ when }) => when === "internal").map(at),
    (code: ErrorCode, p) => {
      const operation = besidesFence(p)[0];
      return [operation === undefined ? undefined : faults.answersWith(operation.id, code.code)];
    },
    { level: "SHOULD" },
  ),
  stateful(
    "fence-in-order",
    "answers the fence after all earlier replies",
    (p) => (p.fence === undefined ? [] : [{ pointer: p.channel.delivery?.pointer ?? p.fence.pointer, of: p.fence }]),
    (_fence, p) => {
      const reply = besidesFence(p)
        .map(replyOf)
        .find((effect) => effect !== undefined);
      return [reply === undefined ? undefined : faults.delaysMessage(reply.message, 80)];
    },
  ),
  stateful(
    "reply-carries-position",
    "reply carries the event's position",
    (p) =>
      positioned(p)
        .filter(({ replies }) => replies.length > 0)
        .map(at),
    (stream, p) => onAcknowledgement(stream, p, (reply, seqAt) => faults.removesField(reply, seqAt)),
  ),
  stateful(
    "reply-position-is-event",
    "reply position equals the position that observers see",
    (p) =>
      positioned(p)
        .filter(({ replies }) => replies.length > 0)
        .map(at),
    (stream, p) => onAcknowledgement(stream, p, (reply, seqAt) => faults.addsToField(reply, seqAt, 1)),
  ),
  stateful(
    "reply-before-events",
    "sends the reply to a join before any event",
    (p) =>
      positioned(p)
        .filter(() => effectsOf(p, "add").length > 0)
        .map(at),
    (_stream, p) => {
      const join = effectsOf(p, "add")[0]?.operation;
      const reply = join === undefined ? undefined : replyOf(join);
      return [reply === undefined ? undefined : faults.delaysMessage(reply.message, 80)];
    },
  ),
];
