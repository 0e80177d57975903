// A member of a log under load: must get each seq once and in order, and may publish.
import type { TestClient } from "../client/test-client.ts";
import { nowMs } from "./clock.ts";
import { LoadSocket } from "./load-socket.ts";
import type { Recorder } from "./recorder.ts";
import type { Replies } from "./replies.ts";
import { longestGap, otherEpoch, type SeqLog } from "./seq-log.ts";
import type { SeenByMember } from "./worker-context.ts";

/** Of those found by their first bytes, one in so many is parsed all the same and compared. */
const sampleEvery = 64;

export interface MemberParts {
  readonly log: SeqLog;
  readonly recorder: Recorder;
  readonly replies: Replies;
}

/** Seqs from `lowest` to `highest` that never came to a member. */
export function countLost({ first, next, missing }: SeenByMember, lowest: number, highest: number): number {
  if (highest < lowest) return 0;
  const begun = first < 0 ? highest + 1 : first;
  const gaps = missing.filter((seq) => seq >= lowest && seq <= highest).length;
  const unseen = first < 0 ? 0 : Math.max(0, highest - Math.max(next, lowest) + 1);
  return Math.max(0, begun - lowest) + gaps + unseen;
}

export class Member {
  readonly log: SeqLog;
  readonly socket: LoadSocket;
  readonly #recorder: Recorder;
  readonly #replies: Replies;
  /** The seq that must come next; -1 before the first. */
  #next = -1;
  #first = -1;
  readonly #missing = new Set<number>();
  #count = 0;

  constructor(client: TestClient, { log, recorder, replies }: MemberParts) {
    this.log = log;
    this.#recorder = recorder;
    this.#replies = replies;
    this.socket = new LoadSocket(client, recorder, {
      text: (...what) => this.#text(...what),
      lost: () => replies.lost(nowMs()),
    });
  }

  /** Whether it has seen all up to seq, but for what is missing. */
  hasReached(seq: number): boolean {
    return this.#next > seq;
  }

  /** Seqs from `lowest` to `highest` that never came. */
  lost(lowest: number, highest: number): number {
    return countLost(this.seen, lowest, highest);
  }

  /** Plain data, for another process. */
  get seen(): SeenByMember {
    return { first: this.#first, next: this.#next, missing: [...this.#missing] };
  }

  #text(bytes: Buffer, start: number, end: number, atMs: number): void {
    const { log } = this;
    const entry = log.match(bytes, start, end);
    if (entry === undefined || ++this.#count % sampleEvery === 0) this.#parsed(bytes, start, end, atMs);
    else this.#came(entry.seq, entry.isPublish, end - start, atMs);
  }

  #parsed(bytes: Buffer, start: number, end: number, atMs: number): void {
    const text = bytes.toString("utf8", start, end);
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      this.#recorder.counts.unexpected++;
      this.#recorder.error(atMs);
      return;
    }
    const entry = this.log.read(text, value);
    if (entry === undefined) {
      this.#replies.came(value, atMs, end - start);
      return;
    }
    if (entry === otherEpoch) {
      this.#recorder.counts.unexpected++;
      this.#recorder.notes.add("the server reset a log during the run (its epoch changed): earlier messages are lost");
      this.#recorder.error(atMs);
      return;
    }
    if (entry.isPublish && !this.log.isSame(entry.seq, value)) {
      this.#recorder.counts.unexpected++;
      this.#recorder.error(atMs);
    }
    this.#came(entry.seq, entry.isPublish, end - start, atMs);
  }

  #came(seq: number, isPublish: boolean, bytes: number, atMs: number): void {
    const { counts } = this.#recorder;
    if (seq === this.#next) this.#next++;
    else if (this.#next < 0) {
      this.#first = seq;
      this.#next = seq + 1;
    } else if (seq > this.#next) {
      if (seq - this.#next > longestGap) {
        counts.unexpected++;
        this.#recorder.error(atMs);
        return;
      }
      for (let gone = this.#next; gone < seq; gone++) this.#missing.add(gone);
      this.#next = seq + 1;
    } else {
      // What came first was a later one: what stood before it may still come, late.
      if (seq < this.#first && this.#first - seq <= longestGap) {
        for (let gone = seq; gone < this.#first; gone++) this.#missing.add(gone);
        this.#first = seq;
      }
      if (this.#missing.delete(seq)) counts.disordered++;
      else {
        counts.duplicated++;
        this.#recorder.error(atMs);
        return;
      }
      this.#recorder.error(atMs);
    }
    if (!isPublish) return;
    counts.received++;
    const dueMs = this.log.dueMs(seq);
    if (Number.isNaN(dueMs)) {
      counts.unexpected++;
      this.#recorder.error(atMs);
    } else this.#recorder.done(dueMs, atMs, bytes);
  }
}
