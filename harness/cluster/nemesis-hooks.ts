// What a nemesis may ask of the workload that runs beside it.
import type { LogClient } from "./log-client.ts";
import type { LogHistory } from "./log-history.ts";

export interface NemesisHooks {
  readonly clients: readonly LogClient[];
  /** Publishes acknowledged so far. */
  acknowledged(): number;
  note(fault: LogHistory["faults"][number]): void;
  /** Handshakes at every node with credentials whose issuer's clock is off. */
  handshakeWithSkewedClocks(): Promise<void>;
}
