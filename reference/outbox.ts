// What sends frames to one connection.

/** An event that many connections receive: it is encoded once, so its identity matters. */
export interface SharedEvent {
  /** The JSON text of the frame. */
  readonly text: string;
}

/** Sends frames to one connection, in the order of the calls. No method throws or waits. */
export interface Outbox {
  /** Sends to this connection only. */
  send(text: string): void;
  /** Sends to this connection only, without waiting for the end of the turn: for the first frame. */
  sendAtOnce(text: string): void;
  /** Sends an event that many connections receive: call it for each in turn, with the same object. */
  sendShared(event: SharedEvent): void;
  /** Writes what is batched, without waiting for the end of the turn. */
  flush(): void;
  /** Bytes that are not written to the kernel yet. */
  readonly queuedBytes: number;
}
