// Requests that wait for their reply, each by its id: bounded, and kept over a lost connection where sending twice does no harm.
import type { ClientMessage, ServerMessage } from "../../generated/types.gen.ts";

export type Request = Extract<ClientMessage, { id: string }>;
export type Unsent = Request extends infer R ? (R extends Request ? Omit<R, "id"> : never) : never;

/** Why a request failed. */
export class RequestFailed extends Error {
  override readonly name = "RequestFailed";
  /** An error code of the document; `QUEUE_FULL`: too many wait already; `CLOSED`: the client was closed; `UNKNOWN`: the connection was lost, and whether the request took effect is not known. */
  readonly code: string;
  readonly retryable: boolean;
  constructor(code: string, message: string, retryable: boolean) {
    super(message);
    this.code = code;
    this.retryable = retryable;
  }
}

interface Waiting {
  readonly request: Request;
  /** Whether it may be sent again when its fate is unknown. */
  readonly repeatable: boolean;
  sent: boolean;
  resolve(reply: ServerMessage): void;
  reject(error: RequestFailed): void;
}

export interface Outbox {
  readonly size: number;
  /** Queues it. @throws RequestFailed QUEUE_FULL through the promise */
  add(request: Unsent, repeatable: boolean): Promise<ServerMessage>;
  /** What can be sent now, in the order in which it came. Marks it as sent. */
  takeUnsent(isReady: (request: Request) => boolean): Request[];
  /** A reply has come. @returns false where nobody waits for it */
  settle(replyTo: string, reply: ServerMessage): boolean;
  /**
   * To be sent once more, after the server refused it for now.
   * @param mayHaveHappened then only what does no harm when it happens twice
   */
  again(replyTo: string, mayHaveHappened: boolean): boolean;
  /** The connection is lost: what may be repeated waits for the next one, the rest fails with UNKNOWN. */
  connectionLost(): void;
  failAll(code: string, message: string): void;
}

/** What keeps the connection and its rooms must not wait behind what waits for them. */
const keepsUs = ({ type }: Unsent): boolean => type === "join_room" || type === "authenticate";

/** @param most how many may wait, default 1000 */
export function createOutbox(most = 1_000): Outbox {
  const waiting = new Map<string, Waiting>();
  let count = 0;
  return {
    get size() {
      return waiting.size;
    },
    add(unsent, repeatable) {
      if (waiting.size >= most && !keepsUs(unsent)) {
        return Promise.reject(new RequestFailed("QUEUE_FULL", `${most} requests wait already`, true));
      }
      const id = `r${++count}`;
      return new Promise((resolve, reject) => {
        waiting.set(id, { request: { ...unsent, id } as Request, repeatable, sent: false, resolve, reject });
      });
    },
    takeUnsent(isReady) {
      const unsent = [...waiting.values()].filter(({ sent, request }) => !sent && isReady(request));
      for (const one of unsent) one.sent = true;
      return unsent.map(({ request }) => request);
    },
    settle(replyTo, reply) {
      const one = waiting.get(replyTo);
      if (one === undefined) return false;
      waiting.delete(replyTo);
      if (reply.type === "error")
        one.reject(new RequestFailed(reply.payload.code, reply.payload.message, reply.payload.retryable));
      else one.resolve(reply);
      return true;
    },
    again(replyTo, mayHaveHappened) {
      const one = waiting.get(replyTo);
      if (one === undefined) return false;
      if (mayHaveHappened && !one.repeatable && one.request.type !== "join_room") return false;
      one.sent = false;
      return true;
    },
    connectionLost() {
      for (const [id, one] of waiting) {
        if (!one.sent) continue;
        if (one.repeatable) {
          one.sent = false;
        } else {
          waiting.delete(id);
          one.reject(
            new RequestFailed("UNKNOWN", "the connection was lost; whether the request took effect is not known", false),
          );
        }
      }
    },
    failAll(code, message) {
      const all = [...waiting.values()];
      waiting.clear();
      for (const one of all) one.reject(new RequestFailed(code, message, false));
    },
  };
}
