// Connections that ask and are answered: each keeps its requests under way, and every frame that comes back is one reply.
import { TargetLost } from "../schema/errors.ts";
import { content } from "./fan-out-driver.ts";
import { clientFrame, Member, type MemberOwner } from "./member.ts";
import { type Sample, startSample } from "./sample.ts";
import type { RunningPeer } from "./servers.ts";

/** Without any reply for so long, requests have been lost. */
const stalledMs = 10_000;

export class EchoDriver implements MemberOwner {
  readonly #peer: RunningPeer;
  #members: Member[] = [];
  #request: Buffer = Buffer.alloc(0);
  #untilMs = 0;
  #sent = 0;
  #answered = 0;
  #done: (() => void) | undefined;
  #fail: (error: Error) => void = () => {};

  private constructor(peer: RunningPeer) {
    this.#peer = peer;
  }

  /** @throws Error where the server has no echo */
  static async connectAll(peer: RunningPeer, connections: number): Promise<EchoDriver> {
    const { echo } = peer.adapter;
    if (echo === undefined) throw new Error(`${peer.id} has no echo`);
    const crowd = new EchoDriver(peer);
    crowd.#request = clientFrame(echo(content));
    crowd.#members = await Promise.all(
      Array.from({ length: connections }, (_, index) => Member.open(peer.url, peer.adapter, index, 0, crowd)),
    );
    for (const member of crowd.#members) member.leastBytes = 1;
    return crowd;
  }

  /** @param inFlight requests under way on each connection */
  async run(inFlight: number, durationMs: number): Promise<Sample> {
    this.#sent = 0;
    this.#answered = 0;
    const end = startSample(this.#peer.pid);
    this.#untilMs = performance.now() + durationMs;
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        this.#done = resolve;
        this.#fail = reject;
        timer = setTimeout(
          () => reject(new TargetLost(`${this.#peer.id}: ${this.#answered} of ${this.#sent} requests were answered`)),
          durationMs + stalledMs,
        );
        for (const member of this.#members) this.#ask(member, inFlight);
      });
    } finally {
      clearTimeout(timer);
    }
    return end(this.#answered);
  }

  close(): void {
    for (const member of this.#members) member.end();
  }

  counted(member: Member, frames: number): void {
    this.#answered += frames;
    if (this.#answered > this.#sent) this.#fail(new TargetLost(`${this.#peer.id}: more replies than requests`));
    else if (performance.now() < this.#untilMs) this.#ask(member, frames);
    else if (this.#answered === this.#sent) this.#done?.();
  }

  lost(member: Member, why: string): void {
    this.#fail(new TargetLost(`${this.#peer.id}: connection ${member.index}: ${why}`));
  }

  #ask(member: Member, count: number): void {
    this.#sent += count;
    member.send(count === 1 ? this.#request : Buffer.concat(Array.from({ length: count }, () => this.#request)));
  }
}
