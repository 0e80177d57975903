// Sessions on a hub whose publishes can be held back, without sockets, for the tests of the session.
import { createManualClock } from "../clock.ts";
import { readConfig } from "../config.ts";
import type { Published, PublishRequest, Refused } from "../hub/hub.ts";
import { MemoryHub } from "../hub/memory-hub.ts";
import { Session } from "../session.ts";
import type { Transport } from "../session-context.ts";
import type { Identity } from "../tokens.ts";
import type { Frame } from "./in-process-server.ts";

const secret = "0123456789abcdef0123456789abcdef";

/** A hub whose next publishes can be held back, or fail. */
export class TestHub extends MemoryHub {
  hold: Promise<void> | undefined;
  failure: Error | undefined;
  override async publish(request: PublishRequest): Promise<Published | Refused> {
    await this.hold;
    if (this.failure) throw this.failure;
    return super.publish(request);
  }
}

/** A hub and sessions on it, without sockets. @param env settings */
export function createServer(env: Record<string, string> = {}) {
  const clock = createManualClock();
  const config = readConfig({ JWT_SECRET: secret, ...env }, { dev: false });
  const { limits: values, rates } = config;
  const hub = new TestHub(
    { ...values, publishUser: rates.publishUser, eventsPerRoom: 10, keepRoomMs: 1000, keepKeyMs: 120_000 },
    clock,
  );
  const failures: unknown[] = [];
  const observer = { received: () => {}, refused: () => {}, failed: (error: unknown) => failures.push(error) };
  /** In these tests a token is the JSON of its identity. */
  const verifyToken = (token: string): Identity | "invalid" => (token.startsWith("{") ? JSON.parse(token) : "invalid");
  const context = { hub, clock, config, verifyToken, observer };
  const noTokenFacts = { tokenId: undefined, issuedAtSeconds: 0 };
  let count = 0;

  function connect(userId: string, roles: readonly string[] = []) {
    const frames: Frame[] = [];
    const state = { closed: undefined as number | undefined, expiresAtMs: 0, isReading: true };
    const transport: Transport = {
      send: (text) => void frames.push(JSON.parse(text)),
      sendShared: (event) => void frames.push(JSON.parse(event.text)),
      close: (code) => {
        state.closed ??= code;
      },
      expireAt: (dateMs) => {
        state.expiresAtMs = dateMs;
      },
      setReading: (isReading) => {
        state.isReading = isReading;
      },
    };
    count += 1;
    const identity = { userId, username: `Name of ${userId}`, roles, expiresAtMs: clock.dateMs() + 60_000, ...noTokenFacts };
    const session = new Session(`c-${count}`, identity, context, transport);
    session.begin();
    const send = (frame: unknown) => session.receive(typeof frame === "string" ? frame : JSON.stringify(frame));
    const take = async (): Promise<Frame[]> => {
      await settle();
      return frames.splice(0);
    };
    return { session, state, frames, send, take, identity };
  }
  return { clock, config, hub, failures, connect };
}

/** Lets all that is ready to happen. */
export const settle = () => new Promise((resolve) => setImmediate(resolve));
