// Which operations of a document can be put under load, from the contract alone.
import type { Contract, Message, Operation, Pointer } from "../../spec/contract.ts";
import { isRecord } from "../../spec/raw.ts";
import { UsageError } from "../errors.ts";

/** What the client may send on this channel, in the order of the document. */
export function receivable(contract: Contract, channel: string): readonly Operation[] {
  return contract.operations.filter(
    ({ action, channel: on, messages }) => action === "receive" && on === channel && messages.length > 0,
  );
}

/** The request whose reply is timed: the fence, else one that is answered and changes nothing, else the first that is answered. */
export function echoOperation(contract: Contract, channel: string, fence: string | undefined): Operation {
  const answered = receivable(contract, channel).filter(({ reply }) => reply !== undefined && reply.length > 0);
  const found =
    answered.find(({ id }) => id === fence) ??
    answered.find(({ effects, requires }) => requires.length === 0 && effects.every(({ kind }) => kind === "reply")) ??
    answered[0];
  if (found === undefined) throw new UsageError("echo needs an operation with a reply, and the document has none");
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
      const found = operations.find(({ id, messages }) => id === name || messages.includes(name));
      if (found === undefined)
        throw new UsageError(
          `--weight ${name}=${weight}: no such operation; there are ${operations.map(({ id }) => id).join(", ")}`,
        );
      return [found, weight];
    }),
  );
}

/** A free text of the message: where `--payload` goes. Undefined where it has none. */
export function freeText(message: Message): Pointer | undefined {
  return find(message.payload, message.examples[0]?.payload, "", message);
}

function find(schema: unknown, example: unknown, at: Pointer, message: Message): Pointer | undefined {
  if (!isRecord(schema) || !isRecord(schema.properties)) return undefined;
  for (const [name, member] of Object.entries(schema.properties)) {
    const pointer = `${at}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    const value = isRecord(example) ? example[name] : undefined;
    if (pointer === message.correlation || pointer === message.tag?.pointer || !isRecord(member)) continue;
    const isFree = member.type === "string" && !["const", "enum", "pattern", "format"].some((keyword) => keyword in member);
    if (isFree && typeof value === "string") return pointer;
    const inner = find(member, value, pointer, message);
    if (inner !== undefined) return inner;
  }
  return undefined;
}
