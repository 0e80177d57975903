// The history: what every connection of a run sent and received, in one order. Recorded first, checked after; checkers take nothing else.

interface Base {
  /** Milliseconds since the run began, monotonic. */
  readonly atMs: number;
  /** From 0, unique in the run. A reconnect is another connection. */
  readonly connection: number;
}

/** `frame` is the parsed JSON where the text is JSON (then `json` is true), else the text itself, or for binary frames its hex digits. */
interface Framed extends Base {
  readonly frame: unknown;
  readonly json: boolean;
  /** The frame is binary. */
  readonly binary?: true;
  readonly bytes: number;
}

export interface HttpCall {
  /** Its id. */
  readonly operation: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Of the channel's address. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** One process logs all of them, so the order in the array is the order in which they happened here. */
export type HistoryEvent =
  /** The upgrade succeeded. */
  | (Base & {
      readonly kind: "open";
      readonly node: string;
      readonly subprotocol: string;
      readonly user: string;
      /** Of the opening request, without its query; where it is known. */
      readonly path?: string;
      /** The chosen subprotocol, where the client offered it; undefined where the offer is not known. */
      readonly offered?: readonly string[];
      /** Pings and pongs of this connection are in the history as notes. */
      readonly control?: true;
      /** Where it is no connection but one request over HTTP: what is sent on it is the body, and so is what is received. */
      readonly http?: HttpCall;
    })
  | (Framed & { readonly kind: "send" })
  | (Framed & { readonly kind: "receive"; readonly status?: number })
  /** The client started to close, or reset the connection (`code` 1006). */
  | (Base & { readonly kind: "hang-up"; readonly code: number })
  /** The connection has ended: the peer's close code, 1005 without one, 1006 without a close frame. */
  | (Base & { readonly kind: "close"; readonly code: number; readonly reason: string })
  /** For people, no checker reads it: a ping, a refused handshake, a frame of ours that is no message. */
  | (Base & { readonly kind: "note"; readonly text: string })
  /** Something was done to the target: a signal, a cut connection. `connection` is -1. */
  | (Base & { readonly kind: "fault"; readonly what: string; readonly node: string });

export type History = readonly HistoryEvent[];

/** What several clients saw of one anomaly: a column for each, time downwards, injected faults across all of them. */
export interface Timeline {
  readonly columns: readonly { readonly name: string; readonly node: string }[];
  readonly entries: readonly {
    readonly atMs: number;
    /** Name of its column; undefined for a fault. */
    readonly column: string | undefined;
    readonly text: string;
    /** Of a fault: its start, or its end. */
    readonly fault?: "start" | "end";
  }[];
}
