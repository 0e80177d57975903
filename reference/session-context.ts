// What a session works with: its connection, and what all sessions of a server have in common.
import type { ClientMessage, ErrorCode } from "../generated/types.gen.ts";
import type { Clock } from "./clock.ts";
import type { Config } from "./config.ts";
import type { EphemeralEvent, Hub, LogEvent } from "./hub/hub.ts";
import type { Outbox } from "./outbox.ts";
import type { VerifyToken } from "./tokens.ts";

/** The connection of a session. No method throws or waits. */
export interface Transport {
  /** What it sends by. */
  readonly outbox?: Outbox;
  send(text: string): void;
  /** Sends an event that many connections receive. It is encoded once for all of them. */
  sendShared(event: LogEvent | EphemeralEvent): void;
  close(code: number, reason: string): void;
  /** Closes the connection at this time, in ms since 1970. A later call replaces the time. */
  expireAt(dateMs: number): void;
  /** Pauses or resumes reading, when messages arrive faster than they are handled. */
  setReading(isReading: boolean): void;
}

/** What all sessions of a server have in common. */
export interface SessionContext {
  readonly hub: Hub;
  readonly clock: Clock;
  readonly config: Pick<Config, "heartbeat" | "limits" | "rates">;
  readonly verifyToken: VerifyToken;
  /** Counts messages, and reports internal errors. */
  readonly observer: SessionObserver;
}

export interface SessionObserver {
  received(type: ClientMessage["type"] | "malformed"): void;
  refused(code: ErrorCode): void;
  failed(error: unknown): void;
}
