// One log, such as a room, as its members see it: finds seq in the bytes of a delivery without parsing it, and knows when each was due.
import { lookup, parent } from "../../spec/pointer.ts";
import type { Messages } from "../client/messages.ts";
import type { LogRoles } from "../cluster/log-roles.ts";

/** The bytes before seq, learned from a delivery that was parsed: the same bytes again mean the same message, log and epoch. */
interface Prefix {
  readonly text: string;
  readonly bytes: Buffer;
  readonly isPublish: boolean;
}

/** What a delivery is in the log. */
export interface Entry {
  readonly seq: number;
  readonly isPublish: boolean;
}

const [comma, brace, space] = [44, 125, 32];
/** What `read` says of a delivery of this log in another epoch than its first: its seqs begin anew, and nothing can be said of them. */
export const otherEpoch = Symbol("other epoch");

const mostPrefixes = 8;
/** Beyond it a jump of seq is another log, not a gap. */
export const longestGap = 1_000_000;

/** The mark in the content of a publish that says when it was due. */
export const dueMark = (dueMs: number, index: number): string => `${Math.round(dueMs * 1000).toString(36)}.${index.toString(36)}`;
const markPattern = /^([0-9a-z]+)\.[0-9a-z]+(?: x*)?$/;

export class SeqLog {
  readonly key: string;
  readonly #roles: LogRoles;
  readonly #messages: Messages;
  readonly #prefixes: Prefix[] = [];
  /** When the publish at seq was due, from seq `#base` on; NaN where it is none of ours. */
  readonly #dueMs: number[] = [];
  #base = -1;
  #epoch: unknown;
  /** Deliveries that were parsed whole, and those that were found by their prefix. */
  readonly ways = { parsed: 0, matched: 0 };
  /** Where acknowledged publishes stand. */
  acked: { lowest: number; highest: number; count: number } = { lowest: Number.POSITIVE_INFINITY, highest: -1, count: 0 };

  constructor(key: string, roles: LogRoles, messages: Messages) {
    this.key = key;
    this.#roles = roles;
    this.#messages = messages;
  }

  /** The entry that this text is by its first bytes; undefined where only parsing can tell. */
  match(bytes: Buffer, start: number, end: number): Entry | undefined {
    for (const { bytes: prefix, isPublish } of this.#prefixes) {
      const digits = start + prefix.length;
      if (digits >= end || bytes.compare(prefix, 0, prefix.length, start, digits) !== 0) continue;
      let seq = 0;
      let at = digits;
      for (; at < end; at++) {
        const digit = bytes[at]! - 48;
        if (digit < 0 || digit > 9) break;
        seq = seq * 10 + digit;
      }
      // After a whole number in JSON comes a comma, a brace or white space; 1.5 and 1e3 are no seq.
      const after = at === digits || at === end ? 0 : bytes[at]!;
      if (after !== comma && after !== brace && (after === 0 || after > space)) return undefined;
      // The first to see a publish reads when it was due.
      if (isPublish && this.#dueAt(seq) === undefined) return undefined;
      this.ways.matched++;
      return { seq, isPublish };
    }
    return undefined;
  }

  /** The entry that this parsed text is; undefined where it is none of this log. Learns from it. */
  read(text: string, value: unknown): Entry | typeof otherEpoch | undefined {
    const { stream, delivered, content } = this.#roles;
    const name = this.#messages.nameOf(value, "fromServer");
    if (name === undefined || !stream.messages.includes(name) || lookup(value, stream.key!) !== this.key) return undefined;
    const seq = lookup(value, stream.seq!);
    if (typeof seq !== "number" || !Number.isInteger(seq) || seq < 0) return undefined;
    this.ways.parsed++;
    const epoch = stream.epoch === undefined ? undefined : lookup(value, stream.epoch);
    this.#epoch ??= epoch;
    if (epoch !== this.#epoch) return otherEpoch;
    const isPublish = name === delivered;
    if (isPublish && this.#dueAt(seq) === undefined) this.#setDue(seq, dueOf(lookup(value, content.delivered)));
    this.#learn(text, value, name, seq);
    return { seq, isPublish };
  }

  /** When the publish at seq was due; NaN where it is none of ours. */
  dueMs(seq: number): number {
    return this.#dueMs[seq - this.#base] ?? Number.NaN;
  }

  /** Whether the mark of what a member parsed at seq is that of what the first one had there, if that was one of ours. */
  isSame(seq: number, value: unknown): boolean {
    const firstMs = this.dueMs(seq);
    return Number.isNaN(firstMs) || dueOf(lookup(value, this.#roles.content.delivered)) === firstMs;
  }

  acknowledged(seq: number): void {
    const { acked } = this;
    acked.count++;
    if (seq < acked.lowest) acked.lowest = seq;
    if (seq > acked.highest) acked.highest = seq;
  }

  #dueAt(seq: number): number | undefined {
    return this.#dueMs[seq - this.#base];
  }

  #setDue(seq: number, dueMs: number): void {
    if (this.#base < 0) this.#base = Math.max(0, seq - 1000);
    const at = seq - this.#base;
    if (at < 0 || at > this.#dueMs.length + longestGap) return;
    while (this.#dueMs.length < at) this.#dueMs.push(undefined as unknown as number); // kept dense: a hole would make it slow
    this.#dueMs[at] = dueMs;
  }

  #learn(text: string, value: unknown, name: string, seq: number): void {
    if (this.#prefixes.some((known) => text.startsWith(known.text))) return;
    const { stream } = this.#roles;
    const member = JSON.stringify(stream.seq!.slice(parent(stream.seq!).length + 1));
    for (let at = text.indexOf(member); at >= 0; at = text.indexOf(member, at + 1)) {
      const gap = /^\s*:\s*/.exec(text.slice(at + member.length));
      if (gap === null) continue;
      const length = at + member.length + gap[0].length;
      const rest = text.slice(length);
      if (!/^\d/.test(rest) || !isAt(stream.seq!, text.slice(0, length), rest, seq)) continue;
      const prefix = text.slice(0, length);
      const epoch = stream.epoch === undefined ? undefined : lookup(value, stream.epoch);
      // Only where what tells one log and message from another stands before seq.
      const telling = [this.key, epoch, this.#messages.message(name).tag?.value].filter((one) => one !== undefined);
      if (!telling.every((one) => prefix.includes(JSON.stringify(one)))) return;
      this.#prefixes.unshift({ text: prefix, bytes: Buffer.from(prefix), isPublish: name === this.#roles.delivered });
      // Publishes are by far the most, so they are looked for first.
      this.#prefixes.sort((a, b) => Number(b.isPublish) - Number(a.isPublish));
      this.#prefixes.length = Math.min(this.#prefixes.length, mostPrefixes);
      return;
    }
  }
}

/** NaN where the content is none of ours. */
function dueOf(content: unknown): number {
  const mark = typeof content === "string" ? markPattern.exec(content)?.[1] : undefined;
  return mark === undefined ? Number.NaN : Number.parseInt(mark, 36) / 1000;
}

/** Whether the number after `head` is the one at the pointer: another number there must change it. */
function isAt(pointer: string, head: string, rest: string, seq: number): boolean {
  const digits = /^\d+/.exec(rest)![0];
  try {
    return lookup(JSON.parse(`${head}${seq + 1}${rest.slice(digits.length)}`), pointer) === seq + 1;
  } catch {
    return false;
  }
}
