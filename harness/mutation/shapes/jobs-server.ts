// A server of jobs.yaml with switches for faults: JSON-RPC with batches, replies out of order, ids that it makes, and a heartbeat by message.
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";

export interface ShapesServer {
  readonly url: string;
  /** Methods that came and were asked for by no example, or never may. */
  readonly forbidden: readonly string[];
  close(): Promise<void>;
}

interface Request {
  readonly id?: unknown;
  readonly method?: unknown;
  readonly params?: unknown;
}

type Reply = Readonly<Record<string, unknown>> | undefined;

const intervalMs = 400;
const timeoutMs = 1_500;
const code = { parse: -32700, invalid: -32600, busy: 1, noJob: 2 };
const isId = (id: unknown) => typeof id === "string" || Number.isInteger(id);
const hasGid = (params: unknown): params is [string] =>
  Array.isArray(params) && params.length === 1 && /^[0-9a-f]{8}$/.test(String(params[0])) && typeof params[0] === "string";

/** @param fault its switch; undefined: the server is correct */
export async function startJobsServer(fault?: string): Promise<ShapesServer> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, path: "/rpc" });
  const forbidden: string[] = [];
  let jobs = 0;
  server.on("connection", (socket) => serve(socket));
  await new Promise((resolve) => server.once("listening", resolve));

  function serve(socket: WebSocket) {
    const own = new Set<string>();
    let pending: Promise<unknown> = Promise.resolve();
    const send = (value: unknown) => socket.readyState === socket.OPEN && socket.send(JSON.stringify(value));
    const stopHeart = startHeart(socket, send);
    socket.on("error", () => undefined);
    socket.on("close", stopHeart);
    socket.on("message", (data) => {
      let frame: unknown;
      try {
        frame = JSON.parse(data.toString());
      } catch {
        send(failure(null, code.parse));
        return;
      }
      if (Array.isArray(frame)) return batch(frame);
      const reply = answer(frame as Request, own);
      if (reply === undefined) return;
      const isFlush = (frame as Request | null)?.method === "flush";
      // Every second reply comes later, but before that of a flush.
      const before = pending;
      const lateMs = !isFlush && jobs++ % 2 === 0 ? 3 : 0;
      if (isFlush && fault !== "fence-overtakes") void before.then(() => send(reply));
      else if (lateMs === 0) send(reply);
      else pending = Promise.all([before, new Promise((resolve) => setTimeout(resolve, lateMs)).then(() => send(reply))]);
    });

    function batch(items: readonly unknown[]) {
      if (items.length === 0 && fault === "batch-empty-ignored") return;
      if (items.length === 0 || (items.length > 6 && fault !== "batch-size-unlimited")) {
        send(failure(null, code.invalid));
        return;
      }
      const isRequest = (item: unknown) => typeof item === "object" && item !== null && !Array.isArray(item);
      const taken = fault === "batch-item-ignored" ? items.filter(isRequest) : items;
      const replies = taken.flatMap((item) => answer(item as Request, own) ?? []);
      if (fault === "batch-drops-last") replies.pop();
      if (fault === "batch-reversed") replies.reverse();
      if (fault === "batch-answered-one-by-one") for (const reply of replies) send(reply);
      else if (replies.length > 0) send(replies);
    }
  }

  function startHeart(socket: WebSocket, send: (value: unknown) => void): () => void {
    if (fault === "heartbeat-never-sent") return () => undefined;
    let askedAtMs: number | undefined;
    const patienceMs = fault === "heartbeat-too-hasty" ? 50 : timeoutMs;
    socket.on("message", (data) => {
      if (data.toString() === '{"method":"alive"}' && fault !== "heartbeat-ignores-messages") askedAtMs = undefined;
    });
    const timer = setInterval(() => {
      const waitedMs = askedAtMs === undefined ? 0 : performance.now() - askedAtMs;
      if (waitedMs > patienceMs && fault !== "heartbeat-not-enforced") socket.close(4000);
      else if (waitedMs === 0) {
        askedAtMs = performance.now();
        send({ method: "beat" });
      }
    }, intervalMs);
    return () => clearInterval(timer);
  }

  function failure(id: unknown, error: number): Reply {
    const value = fault === "error-code-as-text" && error === code.noJob ? String(error) : error;
    return { id: isId(id) ? id : null, error: { code: value } };
  }

  function answer(request: Request, own: Set<string>): Reply {
    if (typeof request !== "object" || request === null || Array.isArray(request)) return failure(null, code.invalid);
    const { id, method, params } = request;
    const result = (value: unknown): Reply => ({ id: fault === "id-as-text" ? String(id) : id, result: value });
    if (method === "shutDown") forbidden.push("shutDown");
    if (method === "alive" || method === "shutDown") return undefined;
    if (id !== undefined && !isId(id)) return failure(null, code.invalid);
    if (method === "start") {
      if (fault === "may-another-code") return failure(id, code.noJob);
      const gid = crypto.randomUUID().slice(0, 8);
      if (own.size >= 40 || (fault !== "may-never" && own.size > 0 && own.size % 25 === 0)) {
        own.add(`busy ${own.size}`);
        return id === undefined ? undefined : failure(id, code.busy);
      }
      own.add(gid);
      if (id === undefined && fault !== "uncorrelated-answered") return undefined;
      if (fault === "result-and-error") return { id, result: gid, error: { code: code.busy } };
      return id === undefined ? { id: 0, result: gid } : result(gid);
    }
    if (id === undefined) return failure(null, code.invalid);
    if (method === "flush") return result("flushed");
    if (method === "tune") {
      const [count] = Array.isArray(params) && params.length === 1 ? params : [];
      if (!Number.isInteger(count) || count < 1 || count > 1000) return failure(id, code.invalid);
      if (count !== 50) forbidden.push(`tune ${count}`);
      return result(count);
    }
    if ((method !== "look" && method !== "stop") || !hasGid(params)) return failure(id, code.invalid);
    const [gid] = params;
    if (!own.has(gid)) return fault === "unknown-job-accepted" ? result({ gid, runs: false }) : failure(id, code.noJob);
    if (method === "look") {
      if (fault === "reply-of-another-operation") return result(true);
      return result({ gid: fault === "another-job" ? "ffffffff" : gid, runs: true });
    }
    own.delete(gid);
    return result(true);
  }

  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/rpc`,
    forbidden,
    close() {
      for (const client of server.clients) client.terminate();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
