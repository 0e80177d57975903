// What the rules over generated messages share: which messages the client sends, and the errors for malformed ones.

import type { ErrorCode, Message, Operation, Requirement } from "../../../spec/contract.ts";
import type { ContractUnderTest } from "../../client/context.ts";
import { satisfyPreconditions } from "../../client/preconditions.ts";
import type { TestClient } from "../../client/test-client.ts";
import type { Malformed } from "../../schema/malformed-frames.ts";
import type { Context } from "../context.ts";

export interface ClientMessage {
  readonly operation: Operation;
  readonly message: Message;
}

/** The JSON messages by which the client starts an operation on the channel that may be exercised; those that have an example. */
export function clientMessages({ contract, channel }: Pick<ContractUnderTest, "contract" | "channel">): ClientMessage[] {
  return contract.operations
    .filter((one) => one.channel === channel.id && one.action === "receive" && one.exercise !== "never")
    .flatMap((operation) =>
      operation.messages.flatMap((name) => {
        const message = contract.messages.find((one) => one.name === name);
        return message?.format === "json" && message.examples.length > 0 ? [{ operation, message }] : [];
      }),
    );
}

/** Those of which messages may be made that are no examples. */
export function generatedMessages(subject: Pick<ContractUnderTest, "contract" | "channel">): ClientMessage[] {
  return clientMessages(subject).filter(({ operation }) => operation.exercise === "full");
}

/** The errors that the document gives to frames of this kind. */
export function errorsFor({ contract }: Pick<ContractUnderTest, "contract">, outcomes: readonly Malformed[]): ErrorCode[] {
  return (contract.errors?.codes ?? []).filter(({ when }) => (outcomes as readonly string[]).includes(when));
}

/** The bytes that a message of the client may have: what the target advertises, else what the document says; Infinity without a bound. */
export function maxBytes(context: Context): number {
  return Math.min(
    ...context.channel.limits.flatMap((limit) => (limit.kind === "message-bytes" ? [context.effective(limit)] : [])),
  );
}

/** Whether the target reads a frame of this text at all. */
export function isReadable(context: Context, text: string): boolean {
  return Buffer.byteLength(text) <= maxBytes(context);
}

/** How many malformed frames a connection may send within every limit of errors; at least one, at most eight. */
export function toleratedErrors(context: Context): number {
  const limits = context.channel.limits.flatMap((limit) => (limit.kind === "errors" ? [context.effective(limit)] : []));
  return Math.max(1, Math.min(8, ...limits));
}

/** A message of the operation that succeeds now on this connection, where the contract says how to get there. */
export async function baseFor(context: Context, client: TestClient, { operation, message }: ClientMessage): Promise<unknown> {
  return operation.messages[0] === message.name
    ? satisfyPreconditions(context, client, operation)
    : context.example(message.name);
}

/** Where the message holds what decides whether a requirement holds: other values there have other outcomes. */
export function decisivePlaces(operation: Operation): string[] {
  const valuesIn = (requirement: Requirement) => {
    if (requirement.kind === "connection") return [requirement.equals];
    if (requirement.kind === "credential") return [requirement.value];
    return requirement.kind === "relation" || requirement.kind === "limit" ? [...requirement.where.values()] : [];
  };
  return operation.requires.flatMap(valuesIn).flatMap((value) => (value.kind === "message" ? [value.pointer] : []));
}
