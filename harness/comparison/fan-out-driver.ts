// Members in rooms of one server, driven by publishers: each member must get each message once, or the measurement ends with an error.
import { TargetLost } from "../schema/errors.ts";
import { clientFrame, Member, type MemberOwner } from "./member.ts";
import { type Sample, startSample } from "./sample.ts";
import type { RunningPeer } from "./servers.ts";

/** Longer than any reply, shorter than any delivery: lengths tell the two apart. */
export const content = "What was said at noon is known to all by one. ".padEnd(150, "0123456789");
const leastDeliveryBytes = 190;
/** Of a frame of 126 to 65535 bytes. */
const headerBytes = 4;
/** More than can be in flight. */
const placeCount = 1024;
/** Connections that are opened at once. */
const openedAtOnce = 64;

export interface FanOutDriverOptions {
  readonly members: number;
  /** Default 1. The members are spread evenly, and messages go to one room after the other. */
  readonly rooms?: number;
  /** Without any progress for so long, messages have been lost. Default 20000. */
  readonly stalledMs?: number;
}

export class FanOutDriver implements MemberOwner {
  readonly #peer: RunningPeer;
  readonly #rooms: number;
  readonly #members: Member[] = [];
  readonly #perRoom: number;
  readonly #stalledMs: number;
  /** Of each room, one frame of its publisher, `placeCount` times. */
  #requests: Buffer[] = [];
  /** How many members have got the message with this number, modulo placeCount. */
  readonly #reached = new Uint32Array(placeCount);
  #sent = 0;
  #complete = 0;
  /** Called when messages have become complete, at the end of a chunk. */
  #progressed: (() => void) | undefined;
  /** Told of the arrival of message `number` at a member. */
  #arrived: ((number: number) => void) | undefined;
  #fail: (error: Error) => void = () => {};
  readonly #failed: Promise<never>;
  #isClosed = false;

  private constructor(peer: RunningPeer, { members, rooms = 1, stalledMs = 20_000 }: FanOutDriverOptions) {
    this.#peer = peer;
    this.#rooms = rooms;
    this.#perRoom = members / rooms;
    this.#stalledMs = stalledMs;
    this.#failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.#failed.catch(() => {});
  }

  /** Connects, joins, and waits until all that the joins have caused has arrived. */
  static async connectAll(peer: RunningPeer, options: FanOutDriverOptions): Promise<FanOutDriver> {
    const crowd = new FanOutDriver(peer, options);
    await crowd.#orFail(crowd.#gather(options.members));
    return crowd;
  }

  get size(): number {
    return this.#members.length;
  }

  /** Bytes of the last frame that the last member has got, with its header. */
  get frameBytes(): number {
    return headerBytes + this.#members.at(-1)!.lastFrameBytes;
  }

  async #gather(count: number): Promise<void> {
    const { adapter, url } = this.#peer;
    let next = 0;
    const openSome = async (): Promise<void> => {
      while (next < count) {
        const index = next++;
        this.#members[index] = await Member.open(url, adapter, index, index % this.#rooms, this);
      }
    };
    await Promise.all(Array.from({ length: Math.min(openedAtOnce, count) }, openSome));
    const { join } = adapter;
    if (join !== undefined) {
      // All at once, because a server may tell every member of every join.
      const joined = this.#members.map((member) => member.holds(`"j${member.index}"`));
      for (const member of this.#members) member.send(clientFrame(join(roomName(member.room), `j${member.index}`)));
      await Promise.all(joined);
    }
    const requests = Array.from({ length: this.#rooms }, (_, room) => clientFrame(adapter.publish(roomName(room), content)));
    this.#requests = requests.map((request) => Buffer.concat(Array.from({ length: placeCount }, () => request)));
    if (join !== undefined) await this.#fence();
    for (const member of this.#members) member.leastBytes = leastDeliveryBytes;
  }

  /** One message per room that all members recognise: what comes after it is what will be published. */
  async #fence(): Promise<void> {
    const mark = "fence".padEnd(content.length, "-");
    const arrived = this.#members.map((member) => member.holds(mark));
    for (let room = 0; room < this.#rooms; room++) {
      this.#members[room]!.send(clientFrame(this.#peer.adapter.publish(roomName(room), mark)));
    }
    await Promise.all(arrived);
  }

  /** Keeps `inFlight` messages under way for `durationMs`: one that all members have got makes room for the next. */
  async publishClosed(inFlight: number, durationMs: number): Promise<Sample> {
    this.#begin();
    const end = startSample(this.#peer.pid);
    const untilMs = performance.now() + durationMs;
    await this.#untilComplete((resolve) => {
      this.#progressed = () => {
        if (performance.now() < untilMs) this.#publish(inFlight - (this.#sent - this.#complete));
        else if (this.#sent === this.#complete) resolve();
      };
      this.#publish(inFlight);
    });
    return end(this.#complete * this.#perRoom);
  }

  /**
   * Publishes at a fixed rate, whether or not the server keeps up.
   * @param record gets the time from when a message should have been sent to its arrival at a member, in ms
   */
  async publishOpen(perSecond: number, durationMs: number, record: (latencyMs: number) => void): Promise<Sample> {
    this.#begin();
    const count = Math.max(1, Math.floor((durationMs * perSecond) / 1000));
    const end = startSample(this.#peer.pid);
    const startMs = performance.now() + 5;
    const dueMs = (number: number): number => startMs + (number * 1000) / perSecond;
    this.#arrived = (number) => record(performance.now() - dueMs(number));
    await this.#untilComplete((resolve) => {
      const tick = (): void => {
        while (this.#sent < count && performance.now() >= dueMs(this.#sent)) this.#publish(1);
        if (this.#sent === count || this.#isClosed) return;
        // A timer of node may be a millisecond late: the last of the wait goes by turns.
        const waitMs = dueMs(this.#sent) - performance.now();
        if (waitMs > 2.5) setTimeout(tick, waitMs - 2);
        else setImmediate(tick);
      };
      this.#progressed = () => {
        if (this.#complete === count) resolve();
      };
      tick();
    });
    this.#arrived = undefined;
    return end(this.#complete * this.#perRoom);
  }

  /** Ends all connections. */
  close(): void {
    this.#isClosed = true;
    for (const member of this.#members) member?.end();
  }

  counted(member: Member, frames: number): void {
    for (let one = 0; one < frames; one++) {
      const number = member.delivered++ * this.#rooms + member.room;
      if (number >= this.#sent) {
        this.#fail(new TargetLost(`${this.#peer.id}: member ${member.index} got message ${number} of ${this.#sent} sent`));
        return;
      }
      this.#arrived?.(number);
      const place = number % placeCount;
      if (++this.#reached[place]! < this.#perRoom) continue;
      this.#reached[place] = 0;
      this.#complete++;
    }
    // A message is complete only when its last member has it; most chunks complete none.
    if (this.#complete !== this.#told) {
      this.#told = this.#complete;
      this.#progressed?.();
    }
  }
  #told = 0;

  lost(member: Member, why: string): void {
    if (!this.#isClosed) this.#fail(new TargetLost(`${this.#peer.id}: member ${member.index} of ${this.size}: ${why}`));
  }

  #begin(): void {
    this.#sent = 0;
    this.#complete = 0;
    this.#told = 0;
    for (const member of this.#members) member.delivered = 0;
  }

  #publish(count: number): void {
    if (this.#rooms === 1) {
      const requests = this.#requests[0]!;
      this.#members[0]!.send(requests.subarray(0, (requests.length / placeCount) * count));
      this.#sent += count;
      return;
    }
    for (let one = 0; one < count; one++) {
      const room = this.#sent++ % this.#rooms;
      const requests = this.#requests[room]!;
      this.#members[room]!.send(requests.subarray(0, requests.length / placeCount));
    }
  }

  async #untilComplete(start: (resolve: () => void) => void): Promise<void> {
    let before = -1;
    let watch: NodeJS.Timeout | undefined;
    const stalled = new Promise<never>((_, reject) => {
      watch = setInterval(() => {
        if (before === this.#complete) reject(new TargetLost(this.#describeStall()));
        before = this.#complete;
      }, this.#stalledMs / 2);
    });
    try {
      await Promise.race([this.#failed, stalled, new Promise<void>(start)]);
    } finally {
      clearInterval(watch);
      this.#progressed = undefined;
      this.#arrived = undefined;
    }
  }

  #describeStall(): string {
    const behind = this.#members.filter(({ delivered, room }) => delivered * this.#rooms + room < this.#sent);
    return `${this.#peer.id}: ${behind.length} of ${this.size} members still miss some of ${this.#sent} messages after ${this.#stalledMs / 1000} s`;
  }

  #orFail<Value>(work: Promise<Value>): Promise<Value> {
    return Promise.race([this.#failed, work]);
  }
}

function roomName(room: number): string {
  return `bench-${room}`;
}
