// One client of a log: it joins, publishes, resumes from its position after every lost connection, and records all that it observes.

import { lookup } from "../../spec/pointer.ts";
import type { ClientContext } from "../client/context.ts";
import { withValueAt } from "../client/messages.ts";
import type { Received, User } from "../client/received.ts";
import type { TestClient } from "../client/test-client.ts";
import { TargetLost, Violation } from "../schema/errors.ts";
import type { ObservedEvent, Position, Publish, Subscription } from "./log-history.ts";
import type { LogRoles } from "./log-roles.ts";

type Writable<T> = { -readonly [K in keyof T]: T[K] };
type OpenSubscription = Writable<Omit<Subscription, "seen">> & { seen: ObservedEvent[] };

/** What all clients of a run share. */
export interface WorkloadState {
  readonly context: ClientContext;
  readonly roles: LogRoles;
  readonly nodes: number;
  readonly publishes: Publish[];
  readonly subscriptions: Subscription[];
  /** Whether frames are kept until the end of the check. A long run keeps only the observed events. */
  readonly keepsFrames: boolean;
}

export interface ClientOptions {
  readonly client: number;
  readonly node: number;
  readonly key: string;
  readonly user: User;
}

/** How long a client waits before it reconnects. */
const pauseMs = 100;
/** More clients of one node than any workload has. */
const mostClients = 16;

export class LogClient {
  readonly #state: WorkloadState;
  readonly #options: ClientOptions;
  #testClient: TestClient | undefined;
  #part: ReturnType<ClientContext["part"]> | undefined;
  readonly #endings: Promise<void>[] = [];
  #subscription: OpenSubscription | undefined;
  #position: Position | undefined;
  #node: number;
  #count = 0;
  /** Why the last attempt to join failed. */
  joinError: Violation | TargetLost | undefined;
  /** A publish whose reply was lost, to be repeated with the same idempotency key. */
  #pending: Publish | undefined;

  constructor(state: WorkloadState, options: ClientOptions) {
    this.#state = state;
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

  /** Resets the TCP connection. */
  reset(): void {
    this.#testClient?.reset();
  }

  /** Stops reading. @returns a function that resumes */
  stall(): () => void {
    const testClient = this.#testClient;
    testClient?.pause();
    return () => testClient?.resume();
  }

  /** Connects and joins if necessary. @returns false when that takes longer */
  async ensureJoined(withinMs: number): Promise<boolean> {
    const { clock } = this.#state.context;
    const untilMs = clock.nowMs() + withinMs;
    for (;;) {
      if (this.#testClient !== undefined && this.#testClient.closed === undefined && this.#subscription !== undefined)
        return true;
      this.#settle();
      try {
        await this.#connectAndJoin();
        return true;
      } catch (error) {
        if (!(error instanceof Violation) && !(error instanceof TargetLost)) throw error;
        this.joinError = error;
        this.#testClient?.reset();
        this.#settle();
        this.#endPart();
        if (clock.nowMs() > untilMs) return false;
        // The node may be gone; another one serves as well.
        this.#node = (this.#node + 1) % this.#state.nodes;
        await clock.sleep(pauseMs);
      }
    }
  }

  async #connectAndJoin(): Promise<void> {
    const { context, roles, subscriptions } = this.#state;
    const { user, key, client } = this.#options;
    this.#part = this.#state.keepsFrames ? undefined : context.part();
    const testClient = await (this.#part?.context ?? context).dial({ user, node: this.#node });
    this.#testClient = testClient;
    let message = withValueAt(context.example(roles.join.messages[0]!), roles.key.joined, key);
    const since = roles.replay === undefined ? undefined : this.#position;
    if (since !== undefined) message = withValueAt(message, roles.replay!.since, sinceOf(roles, since));
    const reply = await testClient.request(message);
    const code = context.errorCode(reply);
    if (code !== undefined) throw new Violation("to join", `the error ${code}`);
    const joinedAt = positionIn(roles, reply.value);
    if (joinedAt === undefined) throw new Violation("a position in the reply to the join", reply.text);
    const recovered = roles.replay?.recovered === undefined ? undefined : lookup(reply.value, roles.replay.recovered);
    const count = roles.joinedCount === undefined ? undefined : lookup(reply.value, roles.joinedCount);
    this.#subscription = {
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
    subscriptions.push(this.#subscription);
  }

  /**
   * Publishes once, or repeats the pending publish. Never throws for what the target does.
   * @param key default its own log; another one where it is no member
   */
  async publish(key = this.#options.key): Promise<Publish> {
    const { context, roles, publishes } = this.#state;
    const { client } = this.#options;
    if (this.#pending !== undefined) key = this.#pending.key;
    const uid = this.#pending?.uid ?? this.#nextUid(key);
    const node = this.#node;
    const invokedAtMs = this.#pending?.invokedAtMs ?? context.clock.nowMs();
    const done = (rest: Pick<Publish, "outcome" | "endedAtMs" | "at" | "code">): Publish => {
      const publish: Publish = { uid, client, node, key, invokedAtMs, ...rest };
      this.#pending = undefined;
      publishes.push(publish);
      return publish;
    };
    let message = withValueAt(context.example(roles.publish.messages[0]!), roles.key.published, key);
    message = withValueAt(message, roles.content.sent, roles.content.least === undefined ? uid : Number(uid));
    if (roles.once !== undefined) message = withValueAt(message, roles.once, uid.padEnd(16, "."));
    try {
      const reply = await this.#testClient!.request(message);
      const code = context.errorCode(reply);
      const endedAtMs = reply.atMs;
      if (code === undefined) return done({ outcome: "ok", endedAtMs, at: positionIn(roles, reply.value), code });
      // A rejected publish did not happen, except where the contract says that the outcome is unknown.
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
      this.#testClient?.reset();
      if (roles.once === undefined) return done(lost);
      this.#pending = lost;
      return lost;
    } finally {
      this.collect();
    }
  }

  /** Unique in the run. */
  #nextUid(key: string): string {
    const { roles, nodes } = this.#state;
    const { client } = this.#options;
    this.#count++;
    const { least } = roles.content;
    if (least === undefined) return `${key}.${client}.${this.#count}`;
    // One residue class for each client: nodes and clients are few beside the integers that the field allows.
    return String(least + this.#count * mostClients * nodes + client);
  }

  /** Records the events that have come. */
  collect(): void {
    const subscription = this.#subscription;
    if (subscription === undefined || this.#testClient === undefined) return;
    for (const received of this.#testClient.takeAll()) {
      const seen = this.#read(received);
      if (seen === undefined) continue;
      subscription.seen.push(seen);
      this.#position = seen.at;
    }
    this.#settle();
  }

  /** Ends the subscription if its connection has ended. */
  #settle(): void {
    const closed = this.#testClient?.closed;
    if (this.#subscription === undefined || closed === undefined) return;
    const subscription = this.#subscription;
    for (const received of this.#testClient!.takeAll()) {
      const seen = this.#read(received);
      if (seen === undefined) continue;
      subscription.seen.push(seen);
      this.#position = seen.at;
    }
    subscription.closeCode = closed.code;
    subscription.endedAtMs = closed.atMs;
    this.#subscription = undefined;
    this.#testClient = undefined;
    this.#endPart();
  }

  #endPart(): void {
    if (this.#part !== undefined) this.#endings.push(this.#part.end());
    this.#part = undefined;
  }

  /** A publish still without a reply counts as unknown. Ends the connection only where its frames are not kept. */
  async finish(): Promise<void> {
    this.collect();
    if (this.#pending !== undefined) this.#state.publishes.push(this.#pending);
    this.#pending = undefined;
    this.#endPart();
    await Promise.all(this.#endings);
  }

  #read(received: Received): ObservedEvent | undefined {
    const { roles } = this.#state;
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
      uid: typeof content === "string" || typeof content === "number" ? String(content) : undefined,
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
