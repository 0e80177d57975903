// Requests that wait for their reply, by id: bounded, and kept over a lost connection where sending twice does no harm.
import { requests as requestFacts } from "../../generated/protocol.gen.ts";
import type { ClientMessage, ServerMessage } from "../../generated/types.gen.ts";
import { RequestFailed } from "./request-failed.ts";

export type Request = Extract<ClientMessage, { id: string }>;
export type Unsent = Request extends infer R ? (R extends Request ? Omit<R, "id"> : never) : never;
/** Every message that carries the id of its request, except errors. */
export type Reply = Extract<ServerMessage, { replyTo: string }>;

export interface RequestOptions {
  /** Called at once with the reply, before the next frame is read and before the promise resolves. */
  readonly onReply?: ((reply: Reply) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Outbox {
  /** @throws RequestFailed QUEUE_FULL, through the promise; or what JSON.stringify throws */
  add(request: Unsent, options?: RequestOptions): Promise<Reply>;
  /**
   * Marks as sent what `take` lets through, in the order of the calls.
   * @param take 0: send it; more: wait so long in ms, and every later request of its lane with it; undefined: wait for an event
   */
  takeUnsent(take: (request: Request, inFlight: ReadonlySet<string>) => number | undefined, nowMs: number): Batch;
  find(replyTo: string): Request | undefined;
  settle(replyTo: string, reply: ServerMessage): void;
  /**
   * Queues a request again that the server refused for now.
   * @param mayHaveHappened then only if a repetition does no harm
   * @returns false if it must not be repeated
   */
  retry(replyTo: string, mayHaveHappened: boolean): boolean;
  fail(id: string, error: RequestFailed): void;
  /** Counts the calls since the oldest sent request was sent. @returns that number */
  countTick(): number;
  /** Keeps what may be repeated for the next connection. The rest fails with UNKNOWN. */
  connectionLost(): void;
  failAll(code: string, message: string): void;
}

export interface Batch {
  readonly requests: readonly { readonly id: string; readonly text: string }[];
  /** Until more can be sent; undefined: not by waiting. */
  readonly waitMs: number | undefined;
}

interface Waiting {
  readonly request: Request;
  readonly text: string;
  sent: boolean;
  attempts: number;
  /** When it was first sent without a definite answer. */
  firstSentMs: number;
  ticks: number;
  resolve(reply: Reply): void;
  reject(error: unknown): void;
  readonly onReply: RequestOptions["onReply"];
}

/** Of one connection: the next one starts without them. */
const ofConnection: readonly string[] = ["join_room", "leave_room", "authenticate"];
/** Harmless when it happens twice. A repeated chat is recognised by its key. */
const repeatable: readonly string[] = ["chat", "ping"];
const mostAttempts = 5;
/** Safety margin before the server forgets an idempotency key. */
const keyMarginMs = 10_000;

const unknown = () => new RequestFailed("UNKNOWN", "Connection lost: the request may have taken effect.", false);

/** @param most requests that may wait, default 1000 */
export function createOutbox(lane: (type: string) => string, most = 1_000): Outbox {
  const waiting = new Map<string, Waiting>();
  let count = 0;

  function remove(id: string): Waiting | undefined {
    const one = waiting.get(id);
    waiting.delete(id);
    return one;
  }

  /** Whether the server would recognise the key of a repetition. */
  const isKeyKnown = ({ request, attempts, firstSentMs }: Waiting, nowMs: number): boolean => {
    const keptMs = requestFacts[request.type].keyMs;
    return attempts === 0 || keptMs === 0 || nowMs - firstSentMs < keptMs - keyMarginMs;
  };

  return {
    async add(unsent, { onReply, signal } = {}) {
      if (signal?.aborted) throw signal.reason;
      if (waiting.size >= most && !ofConnection.includes(unsent.type))
        throw new RequestFailed("QUEUE_FULL", `${most} requests wait already.`, true);
      const id = `r${++count}`;
      const request = { ...unsent, id } as Request;
      const text = JSON.stringify(request);
      const abort = () => remove(id)?.reject(signal?.reason);
      signal?.addEventListener("abort", abort);
      return new Promise<Reply>((resolve, reject) => {
        waiting.set(id, { request, text, sent: false, attempts: 0, firstSentMs: 0, ticks: 0, resolve, reject, onReply });
      }).finally(() => signal?.removeEventListener("abort", abort));
    },
    takeUnsent(take, nowMs) {
      const inFlight = new Set<string>();
      for (const { request, sent } of waiting.values()) if (sent) inFlight.add(lane(request.type));
      const blocked = new Set<string>();
      const requests: { id: string; text: string }[] = [];
      let waitMs: number | undefined;
      for (const [id, one] of [...waiting]) {
        const { type } = one.request;
        if (one.sent || blocked.has(lane(type))) continue;
        const ms = take(one.request, inFlight);
        if (ms === undefined) continue;
        if (ms > 0) {
          blocked.add(lane(type));
          waitMs = Math.min(waitMs ?? ms, ms);
          continue;
        }
        if (!isKeyKnown(one, nowMs)) {
          remove(id)?.reject(unknown());
          continue;
        }
        if (one.attempts++ === 0) one.firstSentMs = nowMs;
        one.sent = true;
        one.ticks = 0;
        inFlight.add(lane(type));
        requests.push({ id, text: one.text });
      }
      return { requests, waitMs };
    },
    find: (replyTo) => waiting.get(replyTo)?.request,
    settle(replyTo, reply) {
      const one = remove(replyTo);
      if (one === undefined) return;
      if (reply.type === "error") {
        const { code, message, retryable } = reply.payload;
        one.reject(new RequestFailed(code, message, retryable));
        return;
      }
      one.onReply?.(reply as Reply);
      one.resolve(reply as Reply);
    },
    retry(replyTo, mayHaveHappened) {
      const one = waiting.get(replyTo);
      if (one === undefined || !one.sent) return false;
      const { type } = one.request;
      if (mayHaveHappened && !repeatable.includes(type) && type !== "join_room") return false;
      if (!mayHaveHappened && one.attempts === 1) one.attempts = 0;
      one.sent = false;
      return true;
    },
    fail: (id, error) => remove(id)?.reject(error),
    countTick() {
      let most = 0;
      for (const one of waiting.values()) if (one.sent) most = Math.max(most, ++one.ticks);
      return most;
    },
    connectionLost() {
      for (const [id, one] of [...waiting]) {
        const { type } = one.request;
        const mayRepeat = repeatable.includes(type) && one.attempts < mostAttempts;
        if (ofConnection.includes(type) || (one.sent && !mayRepeat)) remove(id)?.reject(unknown());
        else one.sent = false;
      }
    },
    failAll(code, message) {
      for (const id of [...waiting.keys()]) remove(id)?.reject(new RequestFailed(code, message, false));
    },
  };
}
