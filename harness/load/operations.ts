// Which operations of a document can be put under load, from the contract alone.
import type { Channel, Contract, Message, Operation, Pointer } from "../../spec/contract.ts";
import { join } from "../../spec/pointer.ts";
import { isRecord } from "../../spec/raw.ts";
import { propertiesAt, schemasAt } from "../../spec/schema-walk.ts";
import { UsageError } from "../schema/errors.ts";

/** What the client may send on this channel and a harness too, in the order of the document. */
export function receivable(contract: Contract, channel: string): readonly Operation[] {
  return contract.operations.filter(
    ({ action, channel: on, messages, exercise }) =>
      action === "receive" && on === channel && messages.length > 0 && exercise !== "never",
  );
}

/** The request whose reply is timed: the fence, else one that is answered and changes nothing, else one that can be repeated, else the first. */
export function echoOperation(contract: Contract, channel: string, fence: string | undefined): Operation {
  const answered = receivable(contract, channel).filter(({ reply }) => reply !== undefined && reply.length > 0);
  const found =
    answered.find(({ id }) => id === fence) ??
    answered.find(
      ({ effects, requires }) => requires.every(({ kind }) => kind === "rate") && effects.every(({ kind }) => kind === "reply"),
    ) ??
    repeatable(answered)[0] ??
    answered[0];
  if (found === undefined) throw new UsageError("echo needs an operation with a reply, and the document has none");
  return found;
}

/**
 * The operation of `--operation`, by its id or the name of its message; else what echo times.
 * @throws UsageError that names what there is
 */
export function timedOperation(contract: Contract, channel: Channel, name: string | undefined): Operation {
  if (name === undefined) return echoOperation(contract, channel.id, channel.delivery?.fence);
  const operation = operationNamed(receivable(contract, channel.id), name, `--operation ${name}`);
  if (operation.reply === undefined || operation.reply.length === 0)
    throw new UsageError(`--operation ${name} has no reply whose time can be measured; name it with --scenario mixed`);
  return operation;
}

function operationNamed(operations: readonly Operation[], name: string, option: string): Operation {
  const found = operations.find(({ id, messages }) => id === name || messages.includes(name));
  if (found === undefined)
    throw new UsageError(`${option}: no such operation; there are ${operations.map(({ id }) => id).join(", ")}`);
  return found;
}

/** Operations that a connection can repeat without end: they take nothing away, and nobody's place. */
export function repeatable(operations: readonly Operation[]): readonly Operation[] {
  return operations.filter(
    ({ effects, requires }) =>
      !effects.some(({ kind }) => kind === "remove" || kind === "close" || kind === "renew") &&
      !requires.some((one) => one.kind === "relation" && !one.present) &&
      !requires.some(({ kind }) => kind === "claim" || kind === "credential"),
  );
}

/**
 * The chosen operations with their weights.
 * @param weights operation id, or message name -> weight over 0; empty: all repeatable ones, 1 each
 * @throws UsageError that names `--weight`
 */
export function weighted(
  operations: readonly Operation[],
  weights: Readonly<Record<string, number>>,
): ReadonlyMap<Operation, number> {
  const asked = Object.entries(weights);
  if (asked.length === 0) return new Map(repeatable(operations).map((operation) => [operation, 1]));
  return new Map(
    asked.map(([name, weight]) => {
      return [operationNamed(operations, name, `--weight ${name}=${weight}`), weight];
    }),
  );
}

/** What a pattern must accept for the text to be free. */
const prose = 'Any text: "x".';

/**
 * The first free text of the message's first example: where `--payload` goes. Undefined where it has none.
 * @param isTaken whether something else is read there
 */
export function freeText(
  message: Message,
  definitions: Contract["definitions"],
  isTaken: (pointer: Pointer) => boolean = () => false,
): Pointer | undefined {
  function find(example: unknown, at: Pointer): Pointer | undefined {
    if (!isRecord(example)) return undefined;
    for (const name of new Set(propertiesAt(message.payload, at, definitions))) {
      const pointer = join(at, name);
      const value = example[name];
      if (pointer === message.correlation || pointer === message.tag?.pointer) continue;
      if (typeof value === "string" && isFree(pointer) && !isTaken(pointer)) return pointer;
      const inner = find(value, pointer);
      if (inner !== undefined) return inner;
    }
    return undefined;
  }
  function isFree(pointer: Pointer): boolean {
    const parts = (schemasAt(message.payload, pointer, definitions) ?? []).filter(isRecord);
    return (
      parts.some(({ type }) => type === "string") &&
      parts.every(({ pattern }) => typeof pattern !== "string" || new RegExp(pattern, "u").test(prose)) &&
      !parts.some((part) => ["const", "enum", "format"].some((keyword) => keyword in part))
    );
  }
  return find(message.examples[0]?.payload, "");
}
