// What all checks of one run share: the contract, the target, the recorder, the token issuer, and whether the target is alive.

import type { ClientEnvironment } from "../client/client-owner.ts";
import type { ContractUnderTest } from "../client/context.ts";
import type { TokenIssuer } from "../client/credentials.ts";
import type { Mask } from "../client/mask.ts";
import type { Received } from "../client/received.ts";
import type { Target } from "./context.ts";

export interface Run extends ClientEnvironment, ContractUnderTest {
  readonly target: Target;
  readonly issueToken: TokenIssuer;
  /** Knows every credential of the run. */
  readonly mask: Mask;
  readonly seed: number;
  readonly runs: number;
  readonly insecure: boolean;
  /** PEM texts of the authorities that a certificate may come from; undefined: those of Node. */
  readonly ca: string | undefined;
  /** Stands in every name, so that a run never meets the users of the one before. */
  readonly label: string;
  /** The next number of the run's one counter. */
  count(): number;
  /** The next number of the run's ids of requests: a counter apart, so that ids of each JSON type have their turn. */
  countRequest(): number;
  /** False where the first message is not the declared one: then nobody waits for it, but the rules about it. */
  firstWorks(): boolean;
  /** The first message of the first connection, which advertises the numbers in force. */
  advertised(): Received | undefined;
}
