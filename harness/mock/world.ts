// What the requirements and effects of the mock read and change.
import type { Channel, Contract } from "../../spec/contract.ts";
import type { Protocol } from "../model/protocol.ts";
import type { Checked } from "./credential.ts";
import type { MessageFactory } from "./message-factory.ts";
import type { Numbers } from "./numbers.ts";
import type { Actor, Relations, Session } from "./session.ts";
import type { Logs, Once, Rates } from "./stores.ts";

export interface World {
  readonly contract: Contract;
  readonly channel: Channel;
  readonly protocol: Protocol;
  readonly numbers: Numbers;
  readonly factory: MessageFactory;
  readonly relations: Relations;
  readonly logs: Logs;
  readonly rates: Rates;
  readonly once: Once;
  nowMs(): number;
  /** Connections that have had their first message and have not ended. */
  openSessions(): readonly Session[];
  checkCredential(credential: string): Checked;
  renew(actor: Actor, credential: unknown): void;
}
