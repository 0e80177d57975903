// Operations: what they refer to, and whether each has an outcome in every state.
import type { Contract, DocumentPointer, Finding, Operation } from "../contract.ts";
import { join } from "../pointer.ts";
import { list, record, text } from "../raw.ts";
import { at, resolve, type SourceTree } from "../source-tree.ts";
import { type Check, choices } from "./check.ts";

export const checkOperations: Check = ({ tree, contract }) =>
  contract.operations.flatMap((operation) => {
    const resolved = resolve(tree, operation.pointer);
    const value = record(resolved?.value);
    if (resolved === undefined) return [];
    const findings: Finding[] = [];
    if (value.action !== "send" && value.action !== "receive") {
      findings.push(
        at(tree, join(resolved.pointer, "action"), {
          severity: "error",
          blocking: true,
          id: "action-unknown",
          expected: "send or receive",
          actual: String(value.action ?? "nothing"),
          fix: "write receive for what the client sends, send for what the server sends",
        }),
      );
    }
    if (!contract.channels.some(({ id }) => id === operation.channel)) {
      findings.push(
        at(tree, join(resolved.pointer, "channel"), {
          severity: "error",
          blocking: true,
          id: "channel-unknown",
          expected: `a reference to one of the channels: ${choices(contract.channels.map(({ id }) => id))}`,
          actual: text(record(value.channel).$ref) ?? "no reference",
          fix: "refer to #/channels/NAME",
        }),
      );
      return findings;
    }
    const own = resolve(tree, join(resolved.pointer, "channel"))!.pointer;
    findings.push(...strangers(tree, join(resolved.pointer, "messages"), own, "operation-message-elsewhere"));
    findings.push(...pastChannel(tree, join(resolved.pointer, "messages"), text(record(value.channel).$ref)));
    const reply = resolve(tree, join(resolved.pointer, "reply"));
    if (reply !== undefined) {
      const target = resolve(tree, join(reply.pointer, "channel"))?.pointer ?? own;
      findings.push(...strangers(tree, join(reply.pointer, "messages"), target, "reply-message-elsewhere"));
    }
    return findings;
  });

/** References of a list that are not to messages of the channel (AsyncAPI 3: they must be). */
function strangers(tree: SourceTree, messages: DocumentPointer, channel: DocumentPointer, id: string): Finding[] {
  const owned = record(record(resolve(tree, channel)?.value).messages);
  const pointers = new Map(Object.keys(owned).map((key) => [resolve(tree, join(channel, "messages", key))?.pointer, key]));
  return list(resolve(tree, messages)?.value).flatMap((reference, index) => {
    if (pointers.has(resolve(tree, join(messages, index))?.pointer)) return [];
    return [
      at(tree, join(messages, index), {
        severity: "error",
        id,
        expected: `a message of ${channel}: ${choices(pointers.values())}`,
        actual: text(record(reference).$ref) ?? "no reference",
        fix: `refer to ${channel}/messages/NAME, and add the message there first`,
      }),
    ];
  });
}

/** References to the component in place of the channel's message, which the official parser rejects. */
function pastChannel(tree: SourceTree, messages: DocumentPointer, channel: string | undefined): Finding[] {
  return list(resolve(tree, messages)?.value).flatMap((message, index) => {
    const reference = text(record(message).$ref);
    if (channel === undefined || reference === undefined || reference.startsWith(`${channel}/messages`)) return [];
    return [
      at(tree, join(messages, index), {
        severity: "error",
        id: "operation-message-past-channel",
        expected: `a reference that begins with ${channel}/messages/`,
        actual: reference,
        fix: `refer to ${channel}/messages/NAME: AsyncAPI 3 allows no other`,
      }),
    ];
  });
}

/** A harness may send any operation in any state, so each must say what comes of it. */
export const checkOutcomes: Check = ({ tree, contract, ours }) => {
  if (!ours) return [];
  return contract.operations
    .filter(
      ({ action, channel }) => action === "receive" && contract.channels.find(({ id }) => id === channel)?.kind === "websocket",
    )
    .flatMap((operation) => [...withoutOutcome(tree, contract, operation), ...unpromised(tree, contract, operation)]);
};

function withoutOutcome(tree: SourceTree, contract: Contract, operation: Operation): Finding[] {
  const replies = operation.effects.filter(({ kind }) => kind === "reply" || kind === "close");
  // Where no operation says its effects, the document does not mean to; a message without a reply is normal.
  const saysEffects = contract.operations.some(({ effectsKnown }) => effectsKnown);
  if (saysEffects && !operation.effectsKnown && operation.reply === undefined) {
    const finding = {
      severity: "error",
      id: "operation-without-outcome",
      expected: "x-effects or a reply: the outcome of the operation",
      actual: `${operation.id} has neither`,
      fix: "add x-effects; an empty list means that the operation has no effect",
    } as const;
    return [at(tree, operation.pointer, finding)];
  }
  if (operation.effectsKnown && operation.reply !== undefined && replies.length === 0) {
    const finding = {
      severity: "error",
      id: "reply-without-effect",
      expected: "an effect `reply` for the reply that the operation promises",
      actual: `x-effects of ${operation.id} have none`,
      fix: `add \`reply: NAME\` with one of ${choices(operation.reply)}`,
    } as const;
    return [at(tree, join(operation.pointer, "x-effects"), finding)];
  }
  return [];
}

/** Messages that the effects and refusals of an operation send, although the document never lets the server send them. */
function unpromised(tree: SourceTree, contract: Contract, operation: Operation): Finding[] {
  const sends = contract.operations.filter(({ action, channel }) => action === "send" && channel === operation.channel);
  const sendable = new Set(sends.flatMap(({ messages }) => messages));
  const known = new Set(contract.messages.map(({ name }) => name));
  const findings: Finding[] = [];
  for (const effect of operation.effects) {
    if (effect.kind === "reply" && known.has(effect.message) && !operation.reply?.includes(effect.message)) {
      findings.push(
        at(tree, join(effect.pointer, "reply"), {
          severity: "error",
          id: "effect-reply-unpromised",
          expected: `one of the operation's replies: ${choices(operation.reply ?? [])}`,
          actual: effect.message,
          fix: "add it to the operation's reply",
        }),
      );
    }
    if (effect.kind === "deliver" && known.has(effect.message) && !sendable.has(effect.message)) {
      findings.push(
        at(tree, join(effect.pointer, "deliver"), {
          severity: "error",
          id: "delivery-unpromised",
          expected: `a message that an operation of this channel sends: ${choices(sendable)}`,
          actual: effect.message,
          fix: "add an operation with `action: send` and this message",
        }),
      );
    }
  }
  const error = contract.errors?.reply.message;
  const refuses = operation.requires.some((requirement) => requirement.else !== "");
  if (error !== undefined && known.has(error) && refuses && !operation.reply?.includes(error) && !sendable.has(error)) {
    findings.push(
      at(tree, join(operation.pointer, "x-requires"), {
        severity: "error",
        id: "refusal-unpromised",
        expected: `the message ${error} in the operation's reply, or sent by an operation of its channel`,
        actual: `${operation.id} can fail, but no reply carries an error`,
        fix: `add ${error} to the reply of ${operation.id}`,
      }),
    );
  }
  return findings;
}
