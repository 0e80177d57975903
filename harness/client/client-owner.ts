// Who a connection belongs to, and what the connections of a run share.
import type { Channel } from "../../spec/contract.ts";
import type { Audiences } from "./audience.ts";
import type { Clock } from "./clock.ts";
import type { Fence } from "./fence.ts";
import type { MessageHeartbeat } from "./heartbeat.ts";
import type { IncidentalViolation } from "./incidental-violation.ts";
import type { Messages, Validate } from "./messages.ts";
import type { Pace } from "./pace.ts";
import type { Recorder } from "./recorder.ts";
import type { TrafficBounds } from "./traffic-bounds.ts";

/** What the connections of a run share. */
export interface ClientEnvironment {
  readonly channel: Channel;
  readonly messages: Messages;
  readonly validate: Validate;
  readonly fence: Fence;
  /** Undefined where no heartbeat goes by messages. */
  readonly heartbeat: MessageHeartbeat | undefined;
  readonly recorder: Recorder;
  readonly clock: Clock;
  readonly pace: Pace;
  readonly bounds: TrafficBounds;
  readonly audiences: Audiences;
  /** Default deadline of everything that waits, in ms. */
  readonly timeoutMs: number;
  /** False where the target did not answer the fence at the first contact: then an unanswered fence proves nothing. */
  fenceWorks(): boolean;
  /** @throws TargetLost when a connection that is kept for this purpose gets no answer either */
  assertTargetAlive(): Promise<void>;
}

/** Who a connection belongs to: a check, or a workload. */
export interface ClientOwner {
  readonly run: ClientEnvironment;
  /** Counts one observation. */
  observed(): void;
  /** A frame or message of the target violates a standard or its schema, whatever the check is about. */
  report(violation: IncidentalViolation): void;
  /** Performs the login that the fence requires, once for each connection. Default: nothing. @param connection its number */
  logIn?(connection: number): Promise<void>;
  /** An id for a request. @param message name */
  id(message?: string): unknown;
  note(text: string): void;
}
