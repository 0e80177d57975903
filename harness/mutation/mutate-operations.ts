// Mutates operations: their effects and requirements. Pure.
import type { Contract, Effect } from "../../spec/contract.ts";
import { join } from "../../spec/pointer.ts";
import type { Add, Mutable } from "./document-mutant.ts";

type Deliver = Extract<Effect, { kind: "deliver" }>;

export function mutateEffects(contract: Contract, add: Add): void {
  for (const [at, { effects, reply = [] }] of contract.operations.entries()) {
    mutateList(contract, effects, reply, add, (copy) => copy.operations[at]!.effects);
    mutateReplies(contract, effects, add, (copy) => copy.operations[at]!);
  }
  for (const [at, { onDisconnect }] of contract.state.relations.entries()) {
    mutateList(contract, onDisconnect, [], add, (copy) => copy.state.relations[at]!.onDisconnect);
  }
}

function mutateList(
  contract: Contract,
  effects: readonly Effect[],
  replies: readonly string[],
  add: Add,
  within: (copy: Mutable<Contract>) => Mutable<Effect>[],
): void {
  effects.forEach((effect, place) => {
    const { pointer } = effect;
    const mutate = (kind: string, change: object) =>
      add(kind, pointer, (copy) => void Object.assign(within(copy)[place]!, change));
    if (isNoticed(contract, effect, replies)) add("effect-removed", pointer, (copy) => void within(copy).splice(place, 1));
    if (effect.kind === "deliver") mutateDelivery(contract, effect, mutate);
    if (effect.kind !== "deliver" && effect.kind !== "reply") return;
    for (const at of effect.bindings.keys()) {
      add("binding-altered", join(pointer, "with", at), (copy) => {
        const one = within(copy)[place]!;
        if (one.kind === effect.kind) one.bindings.set(at, { kind: "literal", value: "never-sent" });
      });
    }
  });
}

/** Whether a rule can notice the missing effect: not for a reply that the operation declares anyway, nor for a message that the server may send at any time. */
function isNoticed(contract: Contract, effect: Effect, replies: readonly string[]): boolean {
  if (effect.kind === "reply") return !replies.includes(effect.message);
  if (effect.kind !== "deliver") return true;
  const others = [
    ...contract.operations.flatMap(({ effects }) => effects),
    ...contract.state.relations.flatMap(({ onDisconnect }) => onDisconnect),
  ].filter((one) => one.kind === "deliver" && one.message === effect.message && one !== effect);
  const isFree = contract.operations.some(({ action, messages }) => action === "send" && messages.includes(effect.message));
  return others.length > 0 || !isFree;
}

function mutateReplies(
  contract: Contract,
  effects: readonly Effect[],
  add: Add,
  within: (copy: Mutable<Contract>) => Mutable<Contract["operations"][number]>,
): void {
  effects.forEach((effect, place) => {
    const other = effect.kind === "reply" ? otherReply(contract, effect.message) : undefined;
    if (effect.kind !== "reply" || other === undefined) return;
    add("reply-altered", effect.pointer, (copy) => {
      const operation = within(copy);
      Object.assign(operation.effects[place]!, { message: other });
      operation.reply = operation.reply?.map((name) => (name === effect.message ? other : name));
    });
  });
}

/** A message that answers another operation. */
function otherReply(contract: Contract, message: string): string | undefined {
  return contract.operations
    .flatMap(({ effects }) => effects.flatMap((effect) => (effect.kind === "reply" ? [effect.message] : [])))
    .find((name) => name !== message);
}

function mutateDelivery(
  contract: Contract,
  effect: Deliver,
  mutate: (kind: string, change: Partial<Mutable<Deliver>>) => void,
): void {
  const { to, sender, when } = effect;
  const streams = contract.channels.flatMap(({ delivery }) => delivery?.streams ?? []);
  // A best-effort message need not arrive.
  const isReliable = streams.find(({ messages }) => messages.includes(effect.message))?.guarantee !== "best-effort";
  // On disconnect and over HTTP there is no sender connection.
  const owner = contract.operations.find(({ effects }) => effects.includes(effect));
  const hasSender = contract.channels.some(({ id, kind }) => id === owner?.channel && kind === "websocket");
  if (hasSender && sender === "included") mutate("sender-excluded", { sender: "excluded" });
  if (hasSender && sender === "excluded" && isReliable) mutate("sender-included", { sender: "included" });
  if (to.kind !== "all" && isReliable) mutate("audience-widened", { to: { kind: "all" } });
  const own = contract.state.attributes.find(({ unique }) => unique)?.name;
  if (own !== undefined) {
    const itself = { kind: "sender", attribute: own } as const;
    mutate("audience-narrowed", { to: { kind: "connection", attribute: own, equals: itself } });
  }
  if (when === "changed" && isReliable) mutate("announced-always", { when: "always" });
}

export function mutateRequirements(contract: Contract, add: Add): void {
  const codes = contract.errors?.codes.map(({ code }) => code) ?? [];
  contract.operations.forEach(({ requires }, at) => {
    requires.forEach((requirement, place) => {
      add("requirement-removed", requirement.pointer, (copy) => void copy.operations[at]!.requires.splice(place, 1));
      const other = codes.find((code) => code !== requirement.else);
      if (other === undefined) return;
      add("requirement-else-altered", requirement.pointer, (copy) => {
        copy.operations[at]!.requires[place]!.else = other;
      });
    });
  });
}
