// One client of a log: joins, publishes one message after the other, comes back after every loss with its position, and writes down all it sees.

import { lookup } from "../../spec/pointer.ts";
import type { ClientContext } from "../client/context.ts";
import { withValueAt } from "../client/messages.ts";
import type { Received, User } from "../client/received.ts";
import type { TestClient } from "../client/test-client.ts";
import { TargetLost, Violation } from "../schema/errors.ts";
import type { Position, Publish, Seen, Session } from "./log-history.ts";
import type { LogRoles } from "./log-roles.ts";

type Writable<T> = { -readonly [K in keyof T]: T[K] };
type OpenSession = Writable<Omit<Session, "seen">> & { seen: Seen[] };

/** What all clients of a run share. */
export interface Bench {
  readonly context: ClientContext;
  readonly roles: LogRoles;
  readonly nodes: number;
  readonly publishes: Publish[];
  readonly sessions: Session[];
  /** Whether frames are kept until the end of the check. A long run keeps what it has seen, and forgets the frames. */
  readonly keepsFrames: boolean;
}

export interface ClientOptions {
  readonly client: number;
  readonly node: number;
  readonly key: string;
  readonly user: User;
}

/** How long a lost client waits before it comes back. */
const pauseMs = 100;

export class LogClient {
  readonly #bench: Bench;
  readonly #options: ClientOptions;
  #peer: TestClient | undefined;
  #part: ReturnType<ClientContext["part"]> | undefined;
  readonly #endings: Promise<void>[] = [];
  #session: OpenSession | undefined;
  #position: Position | undefined;
  #node: number;
  #count = 0;
  /** A publish whose reply was lost, to be repeated with the same idempotency key. */
  #pending: Publish | undefined;

  constructor(bench: Bench, options: ClientOptions) {
    this.#bench = bench;
    this.#options = options;
    this.#node = options.node;
  }

  get key(): string {
    return this.#options.key;
  }

  /** Whether its next publish is the repetition of one whose reply was lost. */
  get isRepeating(): boolean {
    return this.#pending !== undefined;
  }

  /** Ends the TCP connection without goodbye. */
  reset(): void {
    this.#peer?.reset();
  }

  /** Reads nothing until the function that it returns is called. */
  stall(): () => void {
    const peer = this.#peer;
    peer?.pause();
    return () => peer?.resume();
  }

  /** Connected and joined, or not within the time. */
  async attend(withinMs: number): Promise<boolean> {
    const { clock } = this.#bench.context;
    const untilMs = clock.nowMs() + withinMs;
    for (;;) {
      if (this.#peer !== undefined && this.#peer.closed === undefined && this.#session !== undefined) return true;
      this.#settle();
      try {
        await this.#come();
        return true;
      } catch (error) {
        if (!(error instanceof Violation) && !(error instanceof TargetLost)) throw error;
        this.#peer?.reset();
        this.#settle();
        this.#endPart();
        if (clock.nowMs() > untilMs) return false;
        // The node may be gone for good; another one serves as well.
        this.#node = (this.#node + 1) % this.#bench.nodes;
        await clock.sleep(pauseMs);
      }
    }
  }

  async #come(): Promise<void> {
    const { context, roles, sessions } = this.#bench;
    const { user, key, client } = this.#options;
    this.#part = this.#bench.keepsFrames ? undefined : context.part();
    const peer = await (this.#part?.context ?? context).dial({ user, node: this.#node });
    this.#peer = peer;
    let message = withValueAt(context.example(roles.join.messages[0]!), roles.key.joined, key);
    const since = roles.replay === undefined ? undefined : this.#position;
    if (since !== undefined) message = withValueAt(message, roles.replay!.since, sinceOf(roles, since));
    const reply = await peer.request(message);
    const code = context.errorCode(reply);
    if (code !== undefined) throw new Violation("to join", `the error ${code}`);
    const joinedAt = positionIn(roles, reply.value);
    if (joinedAt === undefined) throw new Violation("a position in the reply to the join", reply.text);
    const recovered = roles.replay?.recovered === undefined ? undefined : lookup(reply.value, roles.replay.recovered);
    const count = roles.joinedCount === undefined ? undefined : lookup(reply.value, roles.joinedCount);
    this.#session = {
      client,
      node: this.#node,
      key,
      joinedAt,
      joinedAtMs: reply.atMs,
      count: typeof count === "number" ? count : undefined,
      since,
      recovered: typeof recovered === "boolean" ? recovered : undefined,
      seen: [],
      closeCode: undefined,
      endedAtMs: undefined,
    };
    if (recovered !== true) this.#position = joinedAt;
    sessions.push(this.#session);
  }

  /**
   * Publishes once, or repeats what is pending. Never throws for what the target does.
   * @param key another log than its own, where it is no member
   */
  async publish(key = this.#options.key): Promise<Publish> {
    const { context, roles, publishes } = this.#bench;
    const { client } = this.#options;
    if (this.#pending !== undefined) key = this.#pending.key;
    const uid = this.#pending?.uid ?? `${key}.${client}.${++this.#count}`;
    const node = this.#node;
    const invokedAtMs = this.#pending?.invokedAtMs ?? context.clock.nowMs();
    const done = (rest: Pick<Publish, "outcome" | "endedAtMs" | "at" | "code">): Publish => {
      const publish: Publish = { uid, client, node, key, invokedAtMs, ...rest };
      this.#pending = undefined;
      publishes.push(publish);
      return publish;
    };
    let message = withValueAt(context.example(roles.publish.messages[0]!), roles.key.published, key);
    message = withValueAt(message, roles.content.sent, uid);
    if (roles.once !== undefined) message = withValueAt(message, roles.once, uid.padEnd(16, "."));
    try {
      const reply = await this.#peer!.request(message);
      const code = context.errorCode(reply);
      const endedAtMs = reply.atMs;
      if (code === undefined) return done({ outcome: "ok", endedAtMs, at: positionIn(roles, reply.value), code });
      // What is refused did not happen, except where the contract says that this is not known.
      const error = context.contract.errors?.codes.find((one) => one.code === code);
      return done({ outcome: error?.when === "internal" ? "info" : "fail", endedAtMs, at: undefined, code });
    } catch (error) {
      if (!(error instanceof Violation) && !(error instanceof TargetLost)) throw error;
      const lost: Publish = {
        uid,
        client,
        node,
        key,
        invokedAtMs,
        outcome: "info",
        endedAtMs: undefined,
        at: undefined,
        code: undefined,
      };
      this.#peer?.reset();
      if (roles.once === undefined) return done(lost);
      this.#pending = lost;
      return lost;
    } finally {
      this.collect();
    }
  }

  /** Writes down what came. */
  collect(): void {
    const session = this.#session;
    if (session === undefined || this.#peer === undefined) return;
    for (const received of this.#peer.takeAll()) {
      const seen = this.#read(received);
      if (seen === undefined) continue;
      session.seen.push(seen);
      this.#position = seen.at;
    }
    this.#settle();
  }

  /** Ends the session where its connection has ended. */
  #settle(): void {
    const closed = this.#peer?.closed;
    if (this.#session === undefined || closed === undefined) return;
    const session = this.#session;
    for (const received of this.#peer!.takeAll()) {
      const seen = this.#read(received);
      if (seen === undefined) continue;
      session.seen.push(seen);
      this.#position = seen.at;
    }
    session.closeCode = closed.code;
    session.endedAtMs = closed.atMs;
    this.#session = undefined;
    this.#peer = undefined;
    this.#endPart();
  }

  #endPart(): void {
    if (this.#part !== undefined) this.#endings.push(this.#part.end());
    this.#part = undefined;
  }

  /** What was left without a reply at the end stays unknown. Ends the connection only where its frames are not kept. */
  async giveUp(): Promise<void> {
    this.collect();
    if (this.#pending !== undefined) this.#bench.publishes.push(this.#pending);
    this.#pending = undefined;
    this.#endPart();
    await Promise.all(this.#endings);
  }

  #read(received: Received): Seen | undefined {
    const { roles } = this.#bench;
    const { name, value, atMs } = received;
    if (name === undefined || !roles.stream.messages.includes(name) || lookup(value, roles.stream.key!) !== this.#options.key)
      return undefined;
    const at = positionIn(roles, value);
    if (at === undefined) return undefined;
    const change = roles.changes.get(name);
    const count = change?.count === undefined ? undefined : lookup(value, change.count);
    const content = name === roles.delivered ? lookup(value, roles.content.delivered) : undefined;
    return {
      at,
      message: name,
      identity:
        name === roles.delivered
          ? `${name} ${JSON.stringify(content)}`
          : `${name} ${JSON.stringify(lookup(value, parentOf(roles.stream.seq!)))}`,
      uid: typeof content === "string" ? content : undefined,
      count: typeof count === "number" ? count : undefined,
      changes: change?.by ?? 0,
      atMs,
    };
  }
}

const parentOf = (pointer: string) => pointer.slice(0, pointer.lastIndexOf("/"));
const lastToken = (pointer: string) => pointer.slice(pointer.lastIndexOf("/") + 1);

function sinceOf({ stream }: LogRoles, { epoch, seq }: Position): unknown {
  return { [lastToken(stream.epoch!)]: epoch, [lastToken(stream.seq!)]: seq };
}

function positionIn({ stream }: LogRoles, message: unknown): Position | undefined {
  const epoch = lookup(message, stream.epoch!);
  const seq = lookup(message, stream.seq!);
  return typeof epoch === "string" && typeof seq === "number" ? { epoch, seq } : undefined;
}
