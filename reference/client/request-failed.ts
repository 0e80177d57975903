// The error of every call that the client or the server refuses.

export class RequestFailed extends Error {
  override readonly name = "RequestFailed";
  /**
   * An error code of the document, or one of the client's own:
   * `QUEUE_FULL`: too many wait already; `MESSAGE_TOO_BIG`: over the advertised limit; `CLOSED`: the client was closed or gave up;
   * `UNKNOWN`: the connection was lost, or no reply came; whether the request took effect is not known.
   */
  readonly code: string;
  readonly retryable: boolean;
  constructor(code: string, message: string, retryable: boolean) {
    super(message);
    this.code = code;
    this.retryable = retryable;
  }
}
