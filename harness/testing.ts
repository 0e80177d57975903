// What programs import from "wsproof/testing": a mock server for tests of clients, in vitest, node:test or Playwright.
import type { Contract } from "../spec/contract.ts";
import { defaultSpecFile, loadContract } from "../spec/load-contract.ts";
import { closeConnections, pushMessage } from "./mock/admin.ts";
import { startMock } from "./mock/start-mock.ts";
import { UsageError } from "./schema/errors.ts";

export interface MockServerOptions {
  /** Path of the AsyncAPI document. Default: rooms.v1. */
  readonly spec?: string;
  /** Default 0: any free port. */
  readonly port?: number;
  /** Of generated values, default 1. */
  readonly seed?: number;
  /** How late everything goes out, in ms, default 0. */
  readonly latencyMs?: number;
  /** Promises to break, as `wsproof mock --help` lists them, such as `drops-message/ack`. */
  readonly faults?: readonly string[];
  /** JWTs must be signed with this secret. Default: any credential is accepted. */
  readonly secret?: string;
  /** Numbers in place of those that the document advertises, such as `{ "heartbeat.intervalMs": 1000 }`. */
  readonly set?: Readonly<Record<string, number>>;
}

/** A message of a client. */
export interface ClientFrame {
  /** From 1, in the order of the handshakes. */
  readonly connection: number;
  readonly text: string;
  /** The parsed JSON; undefined where the text is none. */
  readonly value: unknown;
}

export interface MockServer {
  /** Of the document's first endpoint. */
  readonly url: string;
  /** All that clients have sent so far, at most the last 10 000 messages. */
  readonly received: readonly ClientFrame[];
  /** Numbers of the connections that are open. */
  readonly connections: readonly number[];
  /** Calls `act` after the `count`-th message of a client that fits, once. */
  after(fits: (frame: ClientFrame) => boolean, count: number, act: (frame: ClientFrame) => void): void;
  /**
   * The first message of a client that fits, also one that has come already.
   * @param withinMs deadline from now in ms, default 5000
   * @throws Error when none comes in time; it says what came
   */
  waitFor(fits: (frame: ClientFrame) => boolean, withinMs?: number): Promise<ClientFrame>;
  /**
   * Sends a message of the server with these members. @param values pointer -> value
   * @returns how many connections received it
   */
  send(message: string, values?: Readonly<Record<string, unknown>>, connection?: number): number;
  /** Closes one connection, or all. @returns how many */
  close(code: number, reason?: string, connection?: number): number;
  stop(): Promise<void>;
}

const keptFrames = 10_000;

/**
 * Starts a server that keeps the document.
 * @throws UsageError where the document or an option cannot be used
 */
export async function startMockServer(options: MockServerOptions = {}): Promise<MockServer> {
  const { spec = defaultSpecFile, port = 0, seed = 1, latencyMs = 0, faults = [], secret, set = {} } = options;
  const contract = await loadOrThrow(spec);
  const texts = Object.fromEntries(Object.entries(set).map(([name, number]) => [name, String(number)]));
  const mock = await startMock({
    ...{ contract, port, seed, latencyMs, faults, host: "127.0.0.1", auth: { secret }, origins: [], set: texts },
    maxConnections: 10_000,
  });
  const received: ClientFrame[] = [];
  const listeners = new Set<(frame: ClientFrame) => void>();
  mock.onReceived(({ connection, text }) => {
    const frame = { connection, text, value: parsed(text) };
    received.push(frame);
    if (received.length > keptFrames) received.shift();
    // What a listener does comes after the answer to the message.
    setImmediate(() => {
      for (const listener of [...listeners]) listener(frame);
    });
  });
  return {
    url: mock.urls[0]!,
    received,
    get connections() {
      return mock.connections().map(({ session }) => session.id);
    },
    after(fits, count, act) {
      let seen = 0;
      const listener = (frame: ClientFrame) => {
        if (!fits(frame) || ++seen < count) return;
        listeners.delete(listener);
        act(frame);
      };
      listeners.add(listener);
    },
    waitFor(fits, withinMs = 5_000) {
      const before = received.find(fits);
      if (before !== undefined) return Promise.resolve(before);
      return new Promise((resolve, reject) => {
        const listener = (frame: ClientFrame) => {
          if (!fits(frame)) return;
          finish();
          resolve(frame);
        };
        const timer = setTimeout(() => {
          finish();
          const came = received.slice(-5).map(({ text }) => text.slice(0, 200));
          reject(
            new Error(
              `no such message of a client within ${withinMs} ms; ${came.length === 0 ? "none came" : `the last were ${came.join(", ")}`}`,
            ),
          );
        }, withinMs);
        const finish = () => {
          clearTimeout(timer);
          listeners.delete(listener);
        };
        listeners.add(listener);
      });
    },
    send: (message, values = {}, connection) => pushMessage(mock, message, Object.entries(values), connection),
    close: (code, reason = "", connection) => closeConnections(mock, code, reason, connection),
    stop: () => mock.stop(),
  };
}

async function loadOrThrow(file: string): Promise<Contract> {
  const { contract, findings } = await loadContract({ file });
  if (contract !== undefined) return contract;
  const [finding] = findings.filter(({ blocking }) => blocking);
  throw new UsageError(`the document ${file} cannot be used: expected ${finding?.expected}, got ${finding?.actual}`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
