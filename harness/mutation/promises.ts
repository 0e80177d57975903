// Every promise that a document makes, and the rules that check it. Pure.
import type { Contract, DocumentPointer, Effect, ErrorValue, Requirement } from "../../spec/contract.ts";
import { join, lookup } from "../../spec/pointer.ts";
import type { RuleUnderTest } from "./rules-under-test.ts";

export interface DocumentPromise {
  readonly kind: string;
  readonly pointer: DocumentPointer;
  readonly text: string;
  /** Other statements that make the same promise, such as those that name a close code or an error code. */
  readonly alsoAt: readonly DocumentPointer[];
}

export interface Coverage extends DocumentPromise {
  /** Ids of the rules that check it, in order. */
  readonly rules: readonly string[];
}

/** Every promise of the document, in its order of kinds. */
export function promisesOf(contract: Contract): readonly DocumentPromise[] {
  const promises: DocumentPromise[] = [];
  const add = (kind: string, pointer: string, text: string, alsoAt: readonly string[] = []) =>
    promises.push({ kind, pointer, text, alsoAt });
  for (const { handshake, heartbeat, limits, rateLimits, closeCodes, delivery } of contract.channels) {
    if (handshake !== undefined) {
      const first = contract.messages.find(({ name }) => name === handshake.first);
      if (first !== undefined) add("handshake", join(handshake.pointer, "first"), "the first message", [first.pointer]);
      if (handshake.subprotocols.length > 0) add("handshake", join(handshake.pointer, "subprotocols"), "the subprotocol");
      handshake.credentials?.carriers.forEach((carrier, at) => {
        add("handshake", join(handshake.pointer, "credentials", "carriers", at), `the credential in ${carrier.in}`);
      });
      for (const { pointer, when } of handshake.refusals) add("refusal", pointer, when);
    }
    if (heartbeat !== undefined) add("heartbeat", heartbeat.pointer, heartbeat.frame);
    for (const { pointer, name } of limits) add("limit", pointer, name);
    for (const { pointer, name } of rateLimits) add("rate limit", pointer, name);
    for (const { pointer, name, code, spreadMsAt } of closeCodes) {
      add("close code", pointer, `${code} ${name}`, spreadMsAt === undefined ? pointersOfClose(contract, code) : []);
    }
    for (const { pointer, name } of delivery?.streams ?? []) add("stream", pointer, name);
  }
  for (const { pointer, code, when } of contract.errors?.codes ?? []) {
    add("error code", pointer, String(code), when === "required" ? pointersOfError(contract, code) : []);
  }
  for (const { pointer, id, requires, effects, reply, messages } of contract.operations) {
    const replies = effects.filter((effect) => effect.kind === "reply").map((effect) => effect.pointer);
    const requests = contract.messages.filter(({ name }) => messages.includes(name)).map((message) => message.pointer);
    if (reply !== undefined) add("reply", join(pointer, "reply"), id, [...replies, ...requests]);
    for (const requirement of requires) {
      add("requirement", requirement.pointer, `${id}: ${requirement.kind}`, pointersOfLimit(contract, requirement));
    }
    for (const effect of effects) add("effect", effect.pointer, `${id}: ${effect.kind}`, pointersOfEffect(contract, effect));
  }
  for (const { name, onDisconnect } of contract.state.relations) {
    for (const effect of onDisconnect) {
      add("effect", effect.pointer, `${name} on disconnect: ${effect.kind}`, pointersOfEffect(contract, effect));
    }
  }
  for (const { pointer, name } of contract.messages) add("message", pointer, name, pointersOfMessage(contract, name));
  return promises;
}

function pointersOfClose(contract: Contract, code: number): string[] {
  return [
    ...contract.channels.flatMap(({ handshake, heartbeat, limits }) => [
      ...(handshake?.refusals ?? []).filter(({ outcome }) => "close" in outcome && outcome.close === code),
      ...(heartbeat?.close === code ? [heartbeat] : []),
      ...limits.filter(({ close }) => close === code),
    ]),
    ...(contract.errors?.codes.filter(({ close }) => close === code) ?? []),
  ].map(({ pointer }) => pointer);
}

function pointersOfError(contract: Contract, code: ErrorValue): string[] {
  return [
    ...contract.operations.flatMap(({ requires }) => requires.filter((one) => one.else === code)),
    ...contract.channels.flatMap(({ limits, rateLimits }) => [...limits, ...rateLimits].filter(({ error }) => error === code)),
  ].map(({ pointer }) => pointer);
}

/** A requirement that names a limit is checked by the rules for that limit. */
function pointersOfLimit(contract: Contract, requirement: Requirement): string[] {
  if (requirement.kind !== "rate" && requirement.kind !== "limit") return [];
  return contract.channels
    .flatMap(({ limits, rateLimits }) => [...limits, ...rateLimits])
    .filter(({ name }) => name === requirement.limit)
    .map(({ pointer }) => pointer);
}

/** An effect is observed through what depends on it. */
function pointersOfEffect(contract: Contract, effect: Effect): string[] {
  if (effect.kind === "renew") {
    return contract.channels
      .flatMap(({ limits }) => limits.filter(({ kind }) => kind === "credential-grace"))
      .map(({ pointer }) => pointer);
  }
  if (effect.kind !== "add" && effect.kind !== "remove") return [];
  return contract.operations
    .flatMap(({ requires, effects }) => [
      ...requires.filter((one) => one.kind === "relation" && one.relation === effect.relation),
      ...effects.filter((one) => one.kind === "deliver" && one.to.kind === "relation" && one.to.relation === effect.relation),
    ])
    .map(({ pointer }) => pointer);
}

/** The schema of a message is checked wherever an effect sends it. */
function pointersOfMessage(contract: Contract, name: string): string[] {
  const effects = [
    ...contract.operations.flatMap((one) => one.effects),
    ...contract.state.relations.flatMap(({ onDisconnect }) => onDisconnect),
  ].filter((one) => (one.kind === "deliver" || one.kind === "reply") && one.message === name);
  const errors = contract.errors?.reply.message === name ? contract.operations.flatMap(({ requires }) => requires) : [];
  // The message that announces the reconnect window comes before the close.
  const message = contract.messages.find((one) => one.name === name);
  const spreading = contract.channels
    .flatMap(({ closeCodes }) => closeCodes)
    .filter(({ spreadMsAt }) =>
      message?.examples.some(({ payload }) => spreadMsAt !== undefined && lookup(payload, spreadMsAt) !== undefined),
    );
  return [...effects, ...errors, ...spreading].map(({ pointer }) => pointer);
}

/** The rules that check each promise, a part of it, or another statement that makes it. */
export function coverageOf(promises: readonly DocumentPromise[], rules: readonly RuleUnderTest[]): readonly Coverage[] {
  return promises.map((promise) => {
    const pointers = [promise.pointer, ...promise.alsoAt];
    const covering = rules.filter(({ clause }) =>
      pointers.some((one) => clause.pointer === one || clause.pointer.startsWith(`${one}/`)),
    );
    return { ...promise, rules: [...new Set(covering.map(({ rule }) => rule.id))] };
  });
}
