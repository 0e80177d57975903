// What all checks of one run share: the contract, the target, the recorder, the mint, and whether the target is alive.
import type { Channel, Contract } from "../../spec/contract.ts";
import type { Mint } from "../client/credentials.ts";
import type { Fence } from "../client/fence.ts";
import type { Messages, Validate } from "../client/messages.ts";
import type { Received } from "../client/peer.ts";
import type { Recorder } from "../client/recorder.ts";
import type { Clock, Target } from "./context.ts";

export interface Run {
  readonly contract: Contract;
  readonly channel: Channel;
  readonly target: Target;
  readonly messages: Messages;
  readonly validate: Validate;
  readonly mint: Mint;
  readonly fence: Fence;
  readonly recorder: Recorder;
  readonly clock: Clock;
  readonly seed: number;
  readonly runs: number;
  readonly timeoutMs: number;
  readonly insecure: boolean;
  /** Stands in every name, so that a run never meets the users of the one before. */
  readonly label: string;
  /** The next number of the run's one counter. */
  count(): number;
  /** The first message of the first connection, which advertises the numbers in force. */
  advertised(): Received | undefined;
  /** False where the target did not answer the fence at the first contact: then an unanswered fence proves nothing. */
  fenceWorks(): boolean;
  /** @throws TargetLost when a connection that is kept for this purpose gets no answer either */
  expectAlive(): Promise<void>;
}
