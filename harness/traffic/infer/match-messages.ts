// Which message of a document each inferred one is: by the tag, else by the request that it answers.
import type { Channel, Contract, Message, Operation } from "../../../spec/contract.ts";
import { lookup } from "../../../spec/pointer.ts";
import type { Inferred } from "./infer.ts";
import type { Kind } from "./kind.ts";

/** @returns the messages of the document by what was inferred; what it lacks is left out */
export function matchMessages({ kinds, pairs }: Inferred, contract: Contract, channel: Channel): Map<Kind, Message> {
  const operations = contract.operations.filter((operation) => operation.channel === channel.id);
  const named = (names: Iterable<string>) => {
    const wanted = new Set(names);
    return contract.messages.filter(({ name }) => wanted.has(name));
  };
  const sentBy = (action: Operation["action"]) =>
    operations.filter((one) => one.action === action).flatMap(({ messages }) => messages);
  const errors = contract.errors?.replies.map(({ message }) => message) ?? [];
  const replies = operations.flatMap(({ reply }) => reply ?? []);
  const asked = new Set(sentBy("receive"));
  const bySide = {
    client: named(sentBy("receive")),
    server: named([...sentBy("send"), ...replies, ...errors, ...channel.messages.filter((name) => !asked.has(name))]),
  };
  const found = new Map<Kind, Message>();
  const match = (kind: Kind, candidates: readonly Message[]) => {
    const one = best(kind, candidates);
    if (one !== undefined) found.set(kind, one);
  };
  for (const kind of kinds.filter(({ side }) => side === "client")) match(kind, bySide.client);
  for (const kind of kinds.filter(({ side }) => side === "server")) {
    const answers = kind.replyTo ?? pairs.find((pair) => pair.replies.includes(kind))?.request;
    const request = answers === undefined ? undefined : found.get(answers)?.name;
    const own = operations.find(
      ({ action, messages }) => action === "receive" && request !== undefined && messages.includes(request),
    );
    const untagged = kind.isError ? errors : (own?.reply?.filter((name) => !errors.includes(name)) ?? sentBy("send"));
    const allowed = new Set(untagged);
    match(
      kind,
      bySide.server.filter(({ name, tag }) => tag !== undefined || allowed.has(name)),
    );
  }
  return found;
}

/** A tag decides; of messages without one only the one that is left, or the one of this name. */
function best({ format, examples, name }: Kind, candidates: readonly Message[]): Message | undefined {
  const fitting = candidates.filter((message) => message.format === format);
  const tagged = fitting.filter(({ tag }) => tag !== undefined && lookup(examples[0], tag.pointer) === tag.value);
  const left = tagged.length > 0 ? tagged : fitting.filter(({ tag }) => tag === undefined);
  return left.length === 1 ? left[0] : left.find((message) => message.name === name);
}
