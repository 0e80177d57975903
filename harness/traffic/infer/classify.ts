// Tells of which kind a frame is: by the tags that a sample of the traffic shows, else by the request that it answers, else by its members.
import { lookup } from "../../../spec/pointer.ts";
import { isRecord } from "../../../spec/raw.ts";
import { type Correlation, findCorrelation, type Seen } from "./find-correlation.ts";
import { findTag } from "./find-tag.ts";
import { Kind, type Side, type Tag } from "./kind.ts";

/** Kinds beyond this are put together: a tag with so many values is none. */
const maxKinds = 500;
const maxTags = 3;

/** A frame of a sample. */
export type SampledFrame = Seen & { readonly json: boolean };

export class Classifier {
  readonly correlation: Correlation | undefined;
  /** A frame may be an array of messages. */
  readonly hasBatches: boolean;
  readonly kinds = new Map<string, Kind>();
  readonly #clientTags: readonly string[];
  readonly #serverTags: readonly string[];
  /** Every message of the server has a tag, replies too. */
  readonly #tellsReplies: boolean;
  readonly #outlines: Record<Side, { readonly key: string; readonly names: ReadonlySet<string> }[]> = { client: [], server: [] };

  constructor(sample: readonly SampledFrame[]) {
    const json = sample.filter((one) => one.json);
    const isObject = ({ frame }: SampledFrame) => isRecord(frame);
    this.hasBatches = json.some((one) => one.side === "client" && isObject(one)) && json.some(({ frame }) => isBatch(frame));
    const single = json.flatMap((one) => this.itemsOf(one.frame).map((frame) => ({ ...one, frame })));
    const of = (side: Side) => single.filter((one) => one.side === side).map(({ frame }) => frame);
    this.correlation = findCorrelation(single);
    this.#clientTags = tagsOf(of("client"));
    const server = of("server");
    const whole = findTag(server, 0.95, 0.7);
    this.#tellsReplies = whole !== undefined || this.correlation === undefined;
    this.#serverTags = this.#tellsReplies ? tagsOf(server) : tagsOf(withoutReplies(single, this.correlation!));
  }

  /** The messages of a frame. */
  itemsOf(frame: unknown): readonly unknown[] {
    return this.hasBatches && isBatch(frame) ? (frame as readonly unknown[]) : [frame];
  }

  /** @param request the kind that the frame answers, where its id says so */
  kindOf(side: Side, frame: unknown, format: Kind["format"], request?: Kind): Kind {
    if (format !== "json")
      return this.#kind({ ...{ side, key: format, format }, tag: undefined, isError: false, replyTo: undefined });
    const tags = side === "client" ? this.#clientTags : this.#serverTags;
    const base = { side, format } as const;
    if (this.#tellsReplies || side === "client" || (request === undefined && !saysError(frame, undefined)))
      for (const pointer of tags) {
        const value = lookup(frame, pointer);
        if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") continue;
        const tag: Tag = { pointer, value };
        const isError = side === "server" && errorName.test(String(value));
        return this.#kind({ ...base, key: `${pointer} ${JSON.stringify(value)}`, tag, isError, replyTo: undefined });
      }
    if (request !== undefined) {
      const isError = saysError(frame, request);
      const key = isError ? "failure" : `reply ${request.key}`;
      return this.#kind({ ...base, key, tag: undefined, isError, replyTo: isError ? undefined : request });
    }
    const isError = side === "server" && !this.#tellsReplies && saysError(frame, undefined);
    const key = isError ? "failure" : this.#outlineKey(side, frame);
    return this.#kind({ ...base, key, tag: undefined, isError, replyTo: undefined });
  }

  #kind(kind: ConstructorParameters<typeof Kind>[0]): Kind {
    const key = `${kind.side} ${kind.key}`;
    const known = this.kinds.get(key);
    if (known !== undefined) return known;
    if (this.kinds.size >= maxKinds && kind.tag !== undefined)
      return this.#kind({ ...kind, key: "others", tag: undefined, isError: false });
    const made = new Kind(kind);
    this.kinds.set(key, made);
    return made;
  }

  /** Frames without a tag are of one kind where most of their members have the same names. */
  #outlineKey(side: Side, frame: unknown): string {
    if (!isRecord(frame)) return Array.isArray(frame) ? `array ${typeof frame[0] === "number" ? frame[0] : ""}` : "value";
    const names = new Set(Object.keys(frame));
    const known = this.#outlines[side].find((outline) => likeness(outline.names, names) >= 0.5);
    if (known !== undefined || this.#outlines[side].length >= 20) return known?.key ?? "others";
    const key = `members ${[...names].sort().slice(0, 20).join()}`;
    this.#outlines[side].push({ key, names });
    return key;
  }
}

const isBatch = (frame: unknown) => Array.isArray(frame) && frame.length > 0 && frame.every(isRecord);

/** The tag of most, then of what does not have it, and so on. */
function tagsOf(frames: readonly unknown[]): string[] {
  const tags: string[] = [];
  let rest = frames;
  while (tags.length < maxTags && rest.length > 0) {
    const tag = findTag(rest, 0.5);
    if (tag === undefined) break;
    tags.push(tag.pointer);
    rest = rest.filter((frame) => lookup(frame, tag.pointer) === undefined || typeof lookup(frame, tag.pointer) === "object");
  }
  return tags;
}

function withoutReplies(sample: readonly SampledFrame[], { request, reply }: Correlation): unknown[] {
  const asked = new Set<string>();
  const rest: unknown[] = [];
  for (const { side, connection, frame } of sample)
    if (side === "client") asked.add(`${connection} ${JSON.stringify(lookup(frame, request))}`);
    else if (!saysError(frame, undefined) && !asked.has(`${connection} ${JSON.stringify(lookup(frame, reply))}`))
      rest.push(frame);
  return rest;
}

const errorName = /^(?!no[-_ ]?error)(.*[_.:-])?(error|err|failure|failed|fail|nack|refused|rejected|exception|fault)$/i;
const errorMember = /^(error|err|errors|exception|fault)$/i;

/** Whether an untagged frame says that something failed. */
export function saysError(frame: unknown, request: Kind | undefined): boolean {
  // An array that begins with another number than the call and its result do, as in OCPP: 2, 3, 4.
  if (Array.isArray(frame)) return request !== undefined && frame.length >= 4 && frame[0] === 4;
  if (!isRecord(frame)) return false;
  if (frame.ok === false || frame.success === false) return true;
  return Object.entries(frame).some(
    ([name, value]) => errorMember.test(name) && value !== null && value !== false && value !== "" && value !== 0,
  );
}
const likeness = (one: ReadonlySet<string>, other: ReadonlySet<string>) => {
  const shared = [...one].filter((name) => other.has(name)).length;
  const all = new Set([...one, ...other]).size;
  return all === 0 ? 1 : shared / all;
};
