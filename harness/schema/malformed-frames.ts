// Malformed frames: texts that are not JSON, JSON that is no message of the document, and texts that programs mishandle.
import type { Channel, Contract, ErrorCode, JsonSchema, Message } from "../../spec/contract.ts";
import { valueAt, withoutValueAt, withValueAt } from "./edit.ts";
import type { Json } from "./json.ts";
import type { SchemaValidator } from "./schema-validator.ts";

/** Which of the document's errors a malformed frame may get. */
export type Malformed = Extract<ErrorCode["when"], "not-json" | "not-in-schema" | "unknown-type">;

export interface MalformedFrame {
  /** Permanent, in words, such as `trailing comma`. */
  readonly label: string;
  /** Any of these is right. Empty: the document is silent, and the frame may be taken as well. */
  readonly outcomes: readonly Malformed[];
  /**
   * The text to send.
   * @param id a fresh id of a request, which the frame carries where it can
   * @param maxBytes what is large for its own sake is made as small as this asks, default what the document allows; the rest stays
   */
  text(id: Json, maxBytes?: number): string;
  /** Whether the frame carries the id in a way that a reply can name. */
  readonly hasUsableId: boolean;
}

/** Levels of nesting that exhaust the stack of a parser that calls itself; so many characters and members are many, too. */
const most = 10_000;

/** The largest text of at most `maxBytes`, to within a half, or else the smallest. @param make the text of so many parts */
function shrink(maxBytes: number, largest: number, make: (parts: number) => string): string {
  let parts = largest;
  while (parts > 1 && Buffer.byteLength(make(parts)) > maxBytes) parts = Math.floor(parts / 2);
  return make(parts);
}

/** The bytes that the document allows to a message of the client; Infinity where it sets no bound. */
export function documentBytes({ limits }: Pick<Channel, "limits">): number {
  return Math.min(...limits.flatMap(({ kind, value }) => (kind === "message-bytes" ? [value] : [])));
}

/**
 * @returns none where the channel's client sends no JSON; those are left out that cannot be as small as the document's bound of bytes
 */
export function malformedFrames(contract: Contract, channel: Channel, validator: SchemaValidator): MalformedFrame[] {
  const base = baseOf(contract, channel);
  const bytes = documentBytes(channel);
  return (
    [...notJson, ...notObjects, ...(base === undefined ? [] : [...envelopes(base, validator), ...tags(base, contract, channel)])]
      // Where a frame may be an array of messages, such frames are batches, about which there are rules of their own.
      .filter(({ label }) => channel.batch === undefined || !batchLike.has(label))
      .map((one): MalformedFrame => ({ ...one, text: (id, maxBytes = bytes) => one.text(id, maxBytes) }))
      .filter(({ text }) => Buffer.byteLength(text("a")) <= bytes)
  );
}

const frame = (label: string, outcomes: readonly Malformed[], make: string | ((parts: number) => string)): MalformedFrame => ({
  label,
  outcomes,
  text: (_id, maxBytes = Infinity) => (typeof make === "string" ? make : shrink(maxBytes, most, make)),
  hasUsableId: false,
});

const notJson: readonly MalformedFrame[] = (
  [
    ["empty text", ""],
    ["white space alone", " \n"],
    ["plain words", "hello there"],
    ["an object that does not end", '{"type":"x"'],
    ["a string that does not end", '"abc'],
    ["trailing comma", '{"type":"x",}'],
    ["trailing garbage", '{"type":"x"}x'],
    ["two JSON values", '{"type":"x"}{"type":"x"}'],
    ["two JSON values in two lines", '{"type":"x"}\n{"type":"x"}'],
    ["single quotes", "{'type':'x'}"],
    ["a name without quotes", '{type:"x"}'],
    ["a comment", '{"type":"x"/* y */}'],
    ["NaN", '{"type":NaN}'],
    ["a leading zero", '{"type":01}'],
    ["a plus sign", '{"type":+1}'],
    ["hexadecimal", '{"type":0x10}'],
    ["undefined", '{"type":undefined}'],
    ["a raw line feed in a string", '{"type":"a\nb"}'],
    ["a raw NUL", '{"type":"a\u0000b"}'],
    ["a bad escape", '{"type":"\\x41"}'],
    ["a cut escape", '{"type":"\\u12"}'],
    ["brackets that open, 10 000 or as many as fit", (parts: number) => "[".repeat(parts)],
    ["braces that open, 10 000 or as many as fit", (parts: number) => '{"a":'.repeat(parts)],
    ["markup", "<message/>"],
    ["a form", "type=x&payload=y"],
  ] as const
).map(([label, make]) => frame(label, ["not-json"], make));

const batchLike = new Set(["an empty array", "arrays in arrays, 10 000 levels or as many as fit"]);

const notObjects: readonly MalformedFrame[] = [
  ...(
    [
      ["null", "null"],
      ["true", "true"],
      ["a number", "5"],
      ["a string", '"text"'],
      ["an empty array", "[]"],
      ["an array of an object", '[{"type":"x"}]'],
      ["a string that holds JSON", JSON.stringify('{"type":"x"}')],
    ] as const
  ).map(([label, text]) => frame(label, ["not-in-schema"], text)),
  // RFC 8259 section 9 lets a parser limit depth and the range of numbers.
  frame(
    "arrays in arrays, 10 000 levels or as many as fit",
    ["not-json", "not-in-schema"],
    (parts) => "[".repeat(parts) + "]".repeat(parts),
  ),
  frame("a number of 1e400", ["not-json", "not-in-schema"], "1e400"),
  frame("a number of 400 digits", ["not-json", "not-in-schema"], "9".repeat(400)),
];

interface Base {
  readonly message: Message;
  readonly schema: JsonSchema;
  readonly value: Json;
}

/** The client's message to start from: one that has a reply and an id, if there is one. Only what may be sent in any form is altered. */
function baseOf(contract: Contract, channel: Channel): Base | undefined {
  const isFull = (name: string) =>
    contract.operations.every(({ messages, exercise }) => exercise === "full" || !messages.includes(name));
  const messages = clientMessages(contract, channel).filter(
    ({ name, format, examples }) => format === "json" && examples.length > 0 && isFull(name),
  );
  const fence = contract.operations.find(({ id }) => id === channel.delivery?.fence)?.messages[0];
  const message =
    messages.find(({ name, tag }) => name === fence && tag !== undefined) ??
    messages.find(({ correlation, tag }) => correlation !== undefined && tag !== undefined) ??
    messages[0];
  return message && { message, schema: message.payload, value: message.examples[0]!.payload as Json };
}

export function clientMessages(contract: Contract, channel: Channel): Message[] {
  const names = contract.operations.flatMap(({ action, messages, reply, channel: at }) =>
    at !== channel.id ? [] : action === "receive" ? messages : (reply ?? []),
  );
  return contract.messages.filter(({ name }) => names.includes(name));
}

/** Edits of a valid message. The validator says whether the result is invalid. */
function envelopes({ message, schema, value }: Base, validator: SchemaValidator): MalformedFrame[] {
  const { correlation } = message;
  const withId = (id: Json): Json => (correlation === undefined ? value : withValueAt(value, correlation, id));
  const isValid = validator.compile(schema);
  const probe = (correlation === undefined ? undefined : valueAt(value, correlation)) ?? "a";
  /** `edit` works on the text, since parsing would lose what it is about. */
  const edited = (
    label: string,
    edit: (text: string, parts: number) => string,
    options: { silent?: boolean; also?: Malformed; largest?: number } = {},
  ): MalformedFrame => {
    const { largest = 1 } = options;
    const text = (id: Json, maxBytes = Infinity) => {
      const whole = JSON.stringify(withId(id));
      return shrink(maxBytes, largest, (parts) => edit(whole, parts));
    };
    const parsed = parse(text(probe));
    const broken = parsed !== undefined && !isValid(parsed);
    return {
      label,
      outcomes:
        options.silent === true || !broken ? [] : ["not-in-schema", ...(options.also === undefined ? [] : [options.also])],
      text,
      hasUsableId: correlation !== undefined && parsed !== undefined && valueAt(parsed, correlation) === probe,
    };
  };
  const first = (member: string) => (text: string) => text.replace("{", `{${member},`);
  const last = (member: string) => (text: string) => text.replace(/\}$/, `,${member}}`);
  const lastOf = (member: (parts: number) => string) => (text: string, parts: number) => last(member(parts))(text);
  const frames = [
    // RFC 8259 section 8.1: a parser may ignore it or take it for an error.
    edited("a byte order mark", (text) => `\ufeff${text}`, { silent: true }),
    edited("a member too many", last('"unexpected":1')),
    edited("a member named __proto__", last('"__proto__":{"isAdmin":true}')),
    edited("a member named constructor", last('"constructor":{"prototype":{"isAdmin":true}}')),
    edited("a member named toString", last('"toString":1')),
    edited("a member without a name", last('"":1')),
    edited(
      "a member with a name of 10 000 characters or as many as fit",
      lastOf((parts) => `"${"k".repeat(parts)}":1`),
      { largest: most },
    ),
    edited("a member with NUL in its name", last('"a\\u0000b":1')),
    edited(
      "members too many, 1 000 or as many as fit",
      lastOf((parts) => Array.from({ length: parts }, (_, index) => `"m${index}":1`).join()),
      { largest: 1_000 },
    ),
    edited("a member with a lone surrogate", last('"unexpected":"\\ud800"'), { also: "not-json" }),
    edited("a member of 1e400", last('"unexpected":1e400'), { also: "not-json" }),
    edited("a member of 2^53 + 1", last('"unexpected":9007199254740993')),
    edited(
      "a member nested 10 000 levels deep or as many as fit",
      lastOf((parts) => `"unexpected":${"[".repeat(parts)}${"]".repeat(parts)}`),
      { also: "not-json", largest: most },
    ),
    // RFC 8259 section 4: what a parser does with names that are not unique is its own affair.
    edited("every member twice", (text) => text.replace(/\}$/, `,${text.slice(1)}`), { silent: true }),
    edited("white space around", (text) => ` \r\n\t${text}\n`),
  ];
  if (message.tag === undefined) return frames;
  const tagName = message.tag.pointer.slice(1);
  if (!tagName.includes("/")) {
    frames.push(
      edited("the tag twice, the first one unknown", first(`${JSON.stringify(tagName)}:"no-such-message"`), { silent: true }),
    );
  }
  return frames;
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** Tags that name no message of the client, and frames without one. */
function tags({ message, value }: Base, contract: Contract, channel: Channel): MalformedFrame[] {
  const { tag, correlation } = message;
  if (tag === undefined) return [];
  const client = clientMessages(contract, channel);
  const known = new Set(client.map((one) => one.tag?.value));
  // A reply can name the id only where it stands in the same place for all messages.
  const places = new Set(client.flatMap((one) => one.correlation ?? []));
  const hasUsableId = places.size === 1 && correlation !== undefined;
  const withTag = (
    label: string,
    outcomes: readonly Malformed[],
    tagOf: Json | undefined | ((parts: number) => Json),
  ): MalformedFrame => ({
    label,
    outcomes,
    hasUsableId,
    text: (id, maxBytes = Infinity) => {
      const carrying = correlation === undefined ? value : withValueAt(value, correlation, id as Json);
      if (tagOf === undefined) return JSON.stringify(withoutValueAt(carrying, tag.pointer));
      if (typeof tagOf !== "function") return JSON.stringify(withValueAt(carrying, tag.pointer, tagOf));
      return shrink(maxBytes, most, (parts) => JSON.stringify(withValueAt(carrying, tag.pointer, tagOf(parts))));
    },
  });
  const unknown: readonly Malformed[] = ["unknown-type"];
  const either: readonly Malformed[] = ["unknown-type", "not-in-schema"];
  const text = String(tag.value);
  const server = contract.messages.filter(
    ({ name, tag: other }) =>
      channel.messages.includes(name) &&
      other?.pointer === tag.pointer &&
      !known.has(other.value) &&
      !client.some((one) => one.name === name),
  );
  const frames = [
    withTag("an unknown tag", unknown, "no-such-message"),
    withTag("a tag in capitals", unknown, text.toUpperCase()),
    withTag("a tag with a space after it", unknown, `${text} `),
    ...["__proto__", "constructor", "toString", "hasOwnProperty"].map((name) => withTag(`the tag ${name}`, unknown, name)),
    withTag("a tag of 10 000 characters or as many as fit", either, (parts) => "t".repeat(parts)),
    withTag("an empty tag", either, ""),
    withTag("a tag with NUL in it", either, `${text}\u0000`),
    withTag("no tag", either, undefined),
    withTag("a tag of null", either, null),
    withTag("a tag that is a number", either, 5),
    withTag("a tag in an array", either, [tag.value]),
    withTag("a tag that is an object", either, {}),
    ...server.map(({ name, tag: other }) => withTag(`the tag of the server's message ${name}`, either, other!.value)),
  ];
  return frames.filter((one) => !isKnownTag(one, tag.pointer, known));
}

/** Capitals may be another message's tag in some document. */
function isKnownTag(one: MalformedFrame, pointer: string, known: ReadonlySet<unknown>): boolean {
  const value = parse(one.text("a"));
  return value !== undefined && known.has(valueAt(value, pointer));
}
