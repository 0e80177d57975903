// One event of recorded traffic.
import type { HistoryEvent } from "../model/history.ts";

/** A handshake that was refused over HTTP. */
export interface RefusedEvent {
  readonly kind: "refused";
  readonly connection: number;
  readonly atMs: number;
  readonly status: number;
}

/** What a connection did, or the opening request and its refusal. */
export type TrafficEvent = HistoryEvent | RefusedEvent;
