// The faults that are planted on each correct server of the gallery, and the rules that must name each: written before any run. Pure.
import type { Contract, Effect, ErrorCode, Message, Operation, Pointer } from "../../../spec/contract.ts";
import type { ContractUnderTest } from "../../client/context.ts";
import { faults } from "../../conformance/faults/fault.ts";
import type { Fault } from "../../conformance/faults/plan.ts";

export interface PlantedFault {
  readonly kind: string;
  readonly fault: Fault;
  /** Ids of rules one of which must fail. */
  readonly named: RegExp;
}

type Deliver = Extract<Effect, { kind: "deliver" }>;

const replies = /^(examples-(outcome|success|reply|batch)|reply-|fence-in-order)/;
const invalid = /^(invalid-|malformed-is-rejected)/;
const deliveries = /^(examples-delivery|deliver|broadcast-|order-|no-|unexpected-message|stray)/;

/** @returns what fits the document; a kind for which it promises nothing is left out */
export function plantedFaults(subject: ContractUnderTest): readonly PlantedFault[] {
  const { contract, channel } = subject;
  const operations = contract.operations.filter((one) => one.channel === channel.id && one.action === "receive");
  const answered = operations.filter((one) => one.reply !== undefined && one.exercise === "full" && successOf(contract, one));
  // The fence is needed by many rules: what is planted there is lost to none of them.
  const asked = answered.find(({ id }) => id !== channel.delivery?.fence) ?? answered[0];
  const planted: PlantedFault[] = [];
  const plant = (kind: string, named: RegExp, fault: Fault | undefined) => {
    if (fault !== undefined) planted.push({ kind, fault, named });
  };
  if (asked !== undefined) {
    const { id } = asked;
    const success = successOf(contract, asked)!;
    const other = answered.map((one) => successOf(contract, one)!).find(({ name, tag }) => tag && name !== success.name);
    plant("lost reply", replies, faults.swallowsReply(id, "success"));
    if (success.correlation !== undefined) {
      plant("doubled reply", /^(examples-reply-once|reply-exactly-one|unexpected-message)$/, faults.repliesTwice(id));
      plant("wrong id", replies, faults.wrongReplyId(id, success.correlation));
      plant("no id", /^(examples-|reply-|server-message-valid)/, faults.dropsReplyId(id, success.correlation));
      const coerced = /^(server-message-valid|examples-|reply-)/;
      plant("coerced type", coerced, faults.retypesField(success.name, success.correlation));
    }
    if (success.tag !== undefined && other?.tag !== undefined)
      plant("another operation's reply", replies, faults.changesField(success.name, success.tag.pointer, other.tag.value));
    const bound = asked.effects.flatMap((effect) => (effect.kind === "reply" ? [...effect.bindings.keys()] : []))[0];
    if (bound !== undefined)
      plant("wrong field", /^(examples-reply-fields|reply-fields-match)$/, faults.altersReply(id, bound as Pointer));
    plant("close in place of a reply", /^(examples-|reply-|no-unexpected-close)/, faults.closesInsteadOf(success.name, 1011));
  }
  const codeOf = (when: ErrorCode["when"]) => contract.errors?.codes.find((one) => one.when === when);
  const { message: failure, code: codeAt } = contract.errors?.reply ?? {};
  if (failure !== undefined && codeOf("not-in-schema") !== undefined) {
    plant("bad input accepted", invalid, faults.acceptsInvalid("any"));
    plant("bad input ignored", invalid, faults.ignoresInvalid("any"));
    plant("lost error", invalid, faults.swallowsError(codeOf("not-in-schema")!.code));
    const [one, two] = [codeOf("not-json"), codeOf("not-in-schema")];
    if (one && two && codeAt) plant("wrong error", invalid, faults.changesErrorCode(one.code, two.code, codeAt));
  }
  plant("crash on bad input", /^(invalid-|survives-|boundaries-)/, faults.dies("malformed-text"));
  plant("crash on an illegal frame", /^(frames-|survives-)/, faults.dies("illegal-frame"));
  for (const operation of answered.filter(({ requires }) => requires.some((one) => one.kind === "relation" && one.present))) {
    const required = operation.requires.find((one) => one.kind === "relation" && one.present);
    if (required?.else !== undefined)
      plant(
        "requirement not enforced",
        /^(examples-requirement|requirement-is-enforced|error-by)/,
        faults.acceptsRefused(operation.id, required.else),
      );
  }
  const cause = operations.find(({ effects }) => effects.some(({ kind }) => kind === "deliver"));
  const delivery = cause?.effects.find((effect): effect is Deliver => effect.kind === "deliver");
  if (cause !== undefined && delivery !== undefined) {
    const { message, to, sender, bindings } = delivery;
    plant("lost broadcast", deliveries, faults.dropsMessage(message, { everyNth: 2 }));
    plant("doubled broadcast", deliveries, faults.duplicatesMessage(message));
    if (to.kind === "relation") plant("leaked broadcast", deliveries, faults.deliversToStranger(message));
    if (sender === "excluded") plant("broadcast to its sender", deliveries, faults.deliversToSender(message));
    const [field] = [...bindings].flatMap(([at, value]) => (value.kind === "message" ? [at] : []));
    if (field !== undefined) plant("altered broadcast", deliveries, faults.altersField(message, field));
    const leaving = operations.find(({ effects }) => effects.some(({ kind }) => kind === "remove"));
    if (to.kind === "relation" && leaving !== undefined)
      plant("missed leave", deliveries, faults.keepsDelivering(leaving.id, message));
  }
  for (const limit of channel.limits) {
    if (limit.kind !== "message-bytes" || limit.close === undefined) continue;
    const bytes = /^(limits-bytes|frames-fragments-add-up|boundaries-|frames-compression)/;
    plant("limit not enforced", bytes, faults.neverCloses(limit.close));
    plant("wrong close code at a limit", bytes, faults.changesCloseCode(limit.close, 1000));
  }
  return planted;
}

function successOf(contract: Contract, { reply }: Operation): Message | undefined {
  const errors = contract.errors?.replies.map(({ message }) => message) ?? [];
  return contract.messages.find(({ name }) => reply?.includes(name) === true && !errors.includes(name));
}
