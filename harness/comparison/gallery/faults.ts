// The faults that are planted on each correct server of the gallery, and the rules that must name each: written before any run. Pure.
import type { Contract, Effect, ErrorCode, Message, Operation, Pointer } from "../../../spec/contract.ts";
import { isWebSocketPing } from "../../../spec/contract.ts";
import type { ContractUnderTest } from "../../client/context.ts";
import { faults } from "../../conformance/faults/fault.ts";
import { boundFaults } from "./bound-faults.ts";
import type { Plant, PlantedFault } from "./planted-fault.ts";

type Deliver = Extract<Effect, { kind: "deliver" }>;

/** @returns what fits the document; a kind for which it promises nothing is left out */
export function plantedFaults(subject: ContractUnderTest): readonly PlantedFault[] {
  const planted: PlantedFault[] = [];
  const plant: Plant = (kind, named, runs, fault) => planted.push({ kind, fault, named, runs });
  const operations = subject.contract.operations.filter((one) => one.channel === subject.channel.id && one.action === "receive");
  replyFaults(subject, operations, plant);
  invalidFaults(subject, plant);
  deliveryFaults(subject, operations, plant);
  boundFaults(subject, operations, plant);
  heartbeatFaults(subject, plant);
  connectionFaults(subject, plant);
  return planted;
}

function replyFaults({ contract, channel }: ContractUnderTest, operations: readonly Operation[], plant: Plant): void {
  const answered = operations.filter((one) => one.reply !== undefined && one.exercise === "full" && successOf(contract, one));
  // The fence is needed by many rules: what is planted there is lost to none of them.
  const asked = answered.find(({ id }) => id !== channel.delivery?.fence) ?? answered[0];
  if (asked === undefined) return;
  const { id } = asked;
  const success = successOf(contract, asked)!;
  const other = answered.map((one) => successOf(contract, one)!).find(({ name, tag }) => tag && name !== success.name);
  plant("lost reply", /^examples-(success|outcome)$/, ["examples"], faults.swallowsReply(id, "success"));
  if (success.correlation !== undefined) {
    plant("doubled reply", /^examples-reply-once$/, ["examples"], faults.repliesTwice(id));
    plant("wrong id", /^examples-reply-id$/, ["examples"], faults.wrongReplyId(id, success.correlation));
    plant(
      "no id",
      /^(examples-reply-id|server-message-valid)$/,
      ["handshake", "examples"],
      faults.dropsReplyId(id, success.correlation),
    );
    plant(
      "coerced type",
      /^(examples-reply-id|server-message-valid)$/,
      ["handshake", "examples"],
      faults.retypesField(success.name, success.correlation),
    );
  }
  if (success.tag !== undefined && other?.tag !== undefined) {
    const fault = faults.changesField(success.name, success.tag.pointer, other.tag.value);
    plant("another operation's reply", /^examples-(success|outcome)$/, ["examples"], fault);
  }
  const bound = asked.effects.flatMap((effect) => (effect.kind === "reply" ? [...effect.bindings.keys()] : []))[0];
  if (bound !== undefined)
    plant("wrong field", /^examples-reply-fields$/, ["examples"], faults.altersReply(id, bound as Pointer));
  plant("close in place of a reply", /^examples-(success|outcome)$/, ["examples"], faults.closesInsteadOf(success.name, 1011));
  for (const operation of answered) {
    const required = operation.requires.find((one) => one.kind === "relation" && one.present);
    if (required?.kind === "relation" && contract.errors?.reply.message !== undefined)
      plant(
        "requirement not enforced",
        /^(examples-requirement-rejected|requirement-is-enforced)$/,
        ["examples", "stateful"],
        faults.acceptsRefused(operation.id, required.else),
      );
  }
}

function invalidFaults({ contract, channel }: ContractUnderTest, plant: Plant): void {
  const codeOf = (when: ErrorCode["when"]) => contract.errors?.codes.find((one) => one.when === when);
  const [notJson, notInSchema] = [codeOf("not-json"), codeOf("not-in-schema")];
  const { message: failure, code: codeAt, retryAfterMs } = contract.errors?.reply ?? {};
  const rejects = /^invalid-(keyword-rejected|not-a-message|not-json|type-missing|unknown-type)$/;
  if (notInSchema !== undefined) {
    plant("bad input accepted", rejects, ["invalid"], faults.acceptsInvalid("not-in-schema"));
    plant("bad input ignored", rejects, ["invalid"], faults.ignoresInvalid("any"));
    if (failure !== undefined) plant("lost error", rejects, ["invalid"], faults.swallowsError(notInSchema.code));
    else if (notInSchema.close !== undefined) {
      plant("lost close", rejects, ["invalid"], faults.neverCloses(notInSchema.close));
      plant("wrong close code", rejects, ["invalid"], faults.changesCloseCode(notInSchema.close, 1000));
    }
  }
  if (failure !== undefined && codeAt !== undefined && notJson !== undefined) {
    // Another one of the document that is not for the same frames, where there is one.
    const wrong = contract.errors?.codes.find(({ code, when }) => when !== "not-json" && code !== notJson.code);
    if (wrong !== undefined)
      plant("wrong error", /^invalid-not-json$/, ["invalid"], faults.changesErrorCode(notJson.code, wrong.code, codeAt));
  }
  for (const { error } of channel.rateLimits)
    if (retryAfterMs !== undefined)
      plant("wrong retry time", /^limits-rate-retry-after-exact$/, ["limits"], faults.addsToError(error, retryAfterMs, 1_000));
  plant(
    "crash on bad input",
    /^(invalid-unspecified-handled|survives-malformed-text)$/,
    ["invalid-unspecified-", "survives-"],
    faults.dies("malformed-text"),
  );
  plant("crash on an illegal frame", /^survives-illegal-frames$/, ["survives-"], faults.dies("illegal-frame"));
}

function deliveryFaults({ contract }: ContractUnderTest, operations: readonly Operation[], plant: Plant): void {
  const cause = operations.find(({ effects }) => effects.some(({ kind }) => kind === "deliver"));
  const delivery = cause?.effects.find((effect): effect is Deliver => effect.kind === "deliver");
  const atDisconnect = contract.state.relations
    .flatMap(({ onDisconnect }) => onDisconnect)
    .find((effect): effect is Deliver => effect.kind === "deliver");
  if (atDisconnect !== undefined)
    plant("missed disconnect", /^disconnect-effect-delivered$/, ["stateful"], faults.keepsHalfOpen());
  if (delivery === undefined) return;
  const { message, to, sender, bindings } = delivery;
  const both = ["examples", "stateful"] as const;
  plant(
    "lost broadcast",
    /^(examples-delivery(-each)?|delivered-to-every-member|broadcast-to-all)$/,
    both,
    faults.dropsMessage(message, { everyNth: 2 }),
  );
  plant("doubled broadcast", /^(examples-delivery-once|delivered-once)$/, both, faults.duplicatesMessage(message));
  if (to.kind === "relation")
    plant(
      "leaked broadcast",
      /^(examples-delivery-stranger|delivered-to-nobody-else)$/,
      both,
      faults.deliversToStranger(message),
    );
  if (sender === "excluded")
    plant("broadcast to its sender", /^(examples-delivery-sender|sender-is-excluded)$/, both, faults.deliversToSender(message));
  const [field] = [...bindings].flatMap(([at, value]) => (value.kind === "message" ? [at] : []));
  if (field !== undefined)
    plant("altered broadcast", /^(examples-delivery-fields|delivered-fields-match)$/, both, faults.altersField(message, field));
  plant(
    "reordered broadcasts",
    /^order-(sender|total|real-time)$/,
    ["stateful"],
    faults.reordersMessages(message, { everyNth: 3 }),
  );
  const leaving = operations.find(({ effects }) => effects.some(({ kind }) => kind === "remove"));
  if (to.kind === "relation" && leaving !== undefined)
    plant(
      "missed leave",
      /^(no-delivery-after-removal|delivered-to-nobody-else)$/,
      ["stateful"],
      faults.keepsDelivering(leaving.id, message),
    );
}

function heartbeatFaults({ channel: { heartbeat } }: ContractUnderTest, plant: Plant): void {
  if (heartbeat === undefined) return;
  const { by, frame, answer, close } = heartbeat;
  if (isWebSocketPing(heartbeat)) {
    if (by === "server")
      plant("heartbeat ignored", /^limits-heartbeat-(answered-kept|silent-closed)$/, ["limits"], faults.neverPings());
  } else {
    const asked = by === "server" ? frame : answer;
    if (asked !== undefined)
      plant("heartbeat ignored", /^limits-heartbeat-message-(sent|answered|kept)$/, ["limits"], faults.dropsMessage(asked));
  }
  if (close !== undefined)
    plant("silence not noticed", /^limits-heartbeat-(silent|message-missing)-closed$/, ["limits"], faults.neverCloses(close));
}

/** What RFC 6455 promises for every server. */
function connectionFaults({ channel }: ContractUnderTest, plant: Plant): void {
  plant("ping ignored", /^frames-ping-(empty|text|binary|longest)$/, ["frames-ping-"], faults.ignoresPing());
  plant("pong with another payload", /^frames-ping-(text|binary|longest)$/, ["frames-ping-"], faults.pongsOther());
  plant("close not answered", /^frames-close-code-1000$/, ["frames-close-code-1"], faults.ignoresClose());
  plant("unmasked frame taken", /^frames-unmasked$/, ["frames-unmasked"], faults.tolerates("unmasked"));
  plant("reserved bit taken", /^frames-reserved-bit-[123]$/, ["frames-reserved-"], faults.tolerates("reserved-bit"));
  plant("text that is not UTF-8 taken", /^frames-utf8-/, ["frames-utf8-"], faults.tolerates("not-utf8"));
  plant("masked frames", /^server-frame-legal$/, ["handshake", "examples"], faults.sendsFrames("masked"));
  if ((channel.handshake?.subprotocols ?? []).length > 0)
    plant("no subprotocol chosen", /^handshake-(accepted|subprotocol-chosen)$/, ["handshake"], faults.echoesNoSubprotocol());
}

/** The message by which the operation succeeds. */
function successOf(contract: Contract, { reply }: Operation): Message | undefined {
  const errors = contract.errors?.replies.map(({ message }) => message) ?? [];
  return contract.messages.find(({ name }) => reply?.includes(name) === true && !errors.includes(name));
}
