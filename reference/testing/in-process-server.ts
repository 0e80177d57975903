// The server inside the process of a test, on a free port of loopback, and clients for it.
import { createSecretKey } from "node:crypto";
import { SignJWT } from "jose";
import { pino } from "pino";
import { type ClientOptions, WebSocket } from "ws";
import { systemClock } from "../clock.ts";
import { readConfig } from "../config.ts";
import { createHub } from "../create-hub.ts";
import { createFanOut } from "../fan-out.ts";
import type { Hub } from "../hub/hub.ts";
import { startServer } from "../server.ts";

export const testSecret = "a secret for tests of 32 bytes!!";

export interface TestServer {
  readonly port: number;
  readonly hub: Hub;
  readonly http: string;
  readonly ws: string;
  drain(): Promise<void>;
  /** A connection of this user that has got its `connected`. */
  connect(userId: string, roles?: readonly string[]): Promise<TestClient>;
}

/** @param env settings beside a free port, a quick drain and rates that do not bind */
export async function startTestServer(env: Readonly<Record<string, string>> = {}, fanOut = createFanOut()): Promise<TestServer> {
  const rates = ["PUBLISH", "PUBLISH_USER", "CONTROL", "PING"].flatMap((name) => [
    [`${name}_BURST`, "100000"],
    [`${name}_PER_SECOND`, "100000"],
  ]);
  const quick = { PORT: "0", JWT_SECRET: testSecret, DRAIN_MS: "0", LOG_LEVEL: "silent", ...Object.fromEntries(rates) };
  const config = readConfig({ ...quick, ...env }, { dev: false });
  const log = pino({ level: config.logLevel });
  const hub = await createHub(config, systemClock, log, fanOut);
  const server = await startServer({
    config: { ...config, jwtSecret: testSecret },
    hub,
    clock: systemClock,
    log,
    fanOut,
  });
  const address = `127.0.0.1:${server.port}`;
  return {
    port: server.port,
    hub,
    http: `http://${address}`,
    ws: `ws://${address}/ws`,
    drain: server.drain,
    async connect(userId, roles = []) {
      const client = new TestClient(`ws://${address}/ws?token=${await testToken(userId, { roles })}`);
      await client.next("connected");
      return client;
    },
  };
}

export function testToken(userId: string, claims: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const payload = { sub: userId, aud: "rooms.v1", exp: Math.floor(Date.now() / 1000) + 3600, ...claims };
  return new SignJWT(payload).setProtectedHeader({ alg: "HS256" }).sign(createSecretKey(testSecret, "utf8"));
}

// biome-ignore lint/suspicious/noExplicitAny: a test looks into frames freely
export type Frame = any;

export class TestClient {
  readonly socket: WebSocket;
  /** Frames that were not taken yet. */
  readonly frames: Frame[] = [];
  /** The close code and reason, when it has ended. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  #waiting: (() => void)[] = [];
  #ids = 0;

  constructor(url: string, subprotocols: string[] = ["rooms.v1"], options: ClientOptions = {}) {
    this.socket = new WebSocket(url, subprotocols, options);
    this.socket.on("message", (data) => {
      this.frames.push(JSON.parse(data.toString()));
      this.#changed();
    });
    this.closed = new Promise((resolve) => {
      this.socket.on("close", (code, reason) => {
        resolve({ code, reason: reason.toString() });
        this.#changed();
      });
    });
    this.socket.on("error", () => {});
  }

  #changed(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  send(frame: unknown): void {
    this.socket.send(typeof frame === "string" ? frame : JSON.stringify(frame));
  }

  /** Sends a request and waits for its reply. */
  async request(type: string, payload: unknown): Promise<Frame> {
    this.#ids += 1;
    const id = `r${this.#ids}`;
    this.send({ type, id, payload });
    return this.next((frame) => frame.replyTo === id);
  }

  /** Takes the next frame of a type, or the next that fits. @throws when the connection ends first */
  async next(wanted: string | ((frame: Frame) => boolean)): Promise<Frame> {
    const fits = typeof wanted === "string" ? (frame: Frame) => frame.type === wanted : wanted;
    for (;;) {
      const at = this.frames.findIndex(fits);
      if (at !== -1) return this.frames.splice(at, 1)[0];
      if (this.socket.readyState === WebSocket.CLOSED) throw new Error(`closed while waiting for ${wanted}`);
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
  }

  /** All frames that the server sent for what was sent before. */
  async fence(): Promise<Frame[]> {
    await this.request("ping", null);
    return this.frames.splice(0);
  }
}
