// What a case has met so far: its participants, keys and credentials.
import type { User } from "../../client/received.ts";
import type { TestClient } from "../../client/test-client.ts";
import type { Protocol } from "../../model/protocol.ts";
import type { Knowledge } from "../../model/trace.ts";
import type { Context } from "../context.ts";
import type { Keys } from "./keys.ts";

/** One user of the case and the connections that it had, one after the other. */
export interface Participant {
  readonly user: User;
  readonly node: number;
  client: TestClient | undefined;
  /** Numbers of all its connections. */
  readonly connections: Set<number>;
}

/** What a case has met so far. */
export interface CaseState {
  readonly context: Context;
  readonly protocol: Protocol;
  readonly participants: readonly Participant[];
  readonly keys: Keys;
  readonly credentials: Map<string, NonNullable<ReturnType<Knowledge["credentials"]["get"]>>>;
  /** User and operation -> the last frame that had an idempotency key. */
  readonly keyed: Map<string, unknown>;
}
