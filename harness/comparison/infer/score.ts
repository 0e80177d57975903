// How much of a document, written by people, was inferred: messages, required members, replies. Pure.
import type { Channel, Contract, Message } from "../../../spec/contract.ts";
import { isRecord, record, strings } from "../../../spec/raw.ts";
import { conjuncts, type JsonSchema } from "../../../spec/schema-walk.ts";
import type { Inferred } from "../../traffic/infer/infer.ts";
import { matchMessages } from "../../traffic/infer/match-messages.ts";

export interface Share {
  readonly found: number;
  readonly all: number;
  /** What the draft lacks, or has otherwise. */
  readonly missing: readonly string[];
}

export interface Score {
  readonly types: Share;
  readonly required: Share;
  readonly replies: Share;
  /** Members that the draft alone requires, of messages of the document. */
  readonly alsoRequired: readonly string[];
}

/** @param draft what was inferred, written and loaded */
export function scoreOf(inferred: Inferred, draft: Contract, written: { contract: Contract; channel: Channel }): Score {
  const { contract, channel } = written;
  const known = matchMessages(inferred, contract, channel);
  const nameOf = new Map([...known].map(([kind, message]) => [kind.name, message.name]));
  const declared = new Set(channel.messages);
  const messages = contract.messages.filter(({ name }) => declared.has(name));
  /** Of one direction there must be one: a message that was taken for two is not as people wrote it. */
  const found = new Map<Message, string>();
  for (const message of messages) {
    const kinds = [...known].filter(([, one]) => one === message).map(([kind]) => kind);
    const isOne = kinds.length > 0 && new Set(kinds.map(({ side }) => side)).size === kinds.length;
    if (isOne) found.set(message, kinds[0]!.name);
  }
  const missing: string[] = [];
  const alsoRequired: string[] = [];
  let all = 0;
  for (const message of messages) {
    const wanted = requiredOf(message.payload, contract);
    const drafted = draft.messages.find(({ name }) => name === found.get(message));
    const got = drafted === undefined ? new Set<string>() : requiredOf(drafted.payload, draft);
    all += wanted.size;
    missing.push(...[...wanted].filter((pointer) => !got.has(pointer)).map((pointer) => `${pointer} of ${message.name}`));
    alsoRequired.push(...[...got].filter((pointer) => !wanted.has(pointer)).map((pointer) => `${pointer} of ${message.name}`));
  }
  return {
    types: shareOf(
      messages.map(({ name }) => name),
      messages.filter((one) => !found.has(one)).map(({ name }) => name),
    ),
    required: { found: all - missing.length, all, missing },
    replies: repliesOf(contract, channel, draft, nameOf),
    alsoRequired,
  };
}

const shareOf = (all: readonly string[], missing: readonly string[]): Share => ({
  found: all.length - missing.length,
  all: all.length,
  missing,
});

/** Every operation with a reply: the draft's has the same ones, errors apart. */
function repliesOf(contract: Contract, channel: Channel, draft: Contract, nameOf: ReadonlyMap<string, string>): Share {
  const asked = contract.operations.filter(
    ({ action, reply, channel: id }) => action === "receive" && id === channel.id && reply !== undefined,
  );
  const missing = asked.filter(({ messages, reply }) => {
    const own = draft.operations.find((one) => one.action === "receive" && messages.includes(nameOf.get(one.messages[0]!) ?? ""));
    const got = withoutErrors(draft, own?.reply ?? []).map((name) => nameOf.get(name) ?? name);
    return got.sort().join() !== [...withoutErrors(contract, reply!)].sort().join();
  });
  return shareOf(
    asked.map(({ id }) => id),
    missing.map(({ id }) => id),
  );
}

function withoutErrors({ errors }: Contract, names: readonly string[]): string[] {
  return names.filter((name) => !(errors?.replies ?? []).some(({ message }) => message === name));
}

const maxDepth = 8;

/** Pointers of all members that must be there, of nested objects too. */
function requiredOf(schema: JsonSchema, { definitions }: Contract, at = "", depth = 0): Set<string> {
  const found = new Set<string>();
  if (depth > maxDepth) return found;
  for (const part of conjuncts(schema, definitions)) {
    for (const name of strings(part.required)) found.add(`${at}/${name}`);
    const below = Object.entries(record(part.properties)).map(([name, member]) => [`${at}/${name}`, member] as const);
    if (isRecord(part.items)) below.push([`${at}/*`, part.items]);
    for (const [pointer, member] of below)
      for (const one of requiredOf(member as JsonSchema, { definitions } as Contract, pointer, depth + 1)) found.add(one);
  }
  return found;
}
