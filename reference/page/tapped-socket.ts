// A socket for the client on which the page can also send frames of its own, and see each close.
import type { OpenSocket } from "../client/socket.ts";

export interface TappedSocket {
  readonly open: OpenSocket;
  /** Sends without the client's knowledge. Does nothing while not connected. */
  send(data: string | Uint8Array<ArrayBuffer>): void;
  /** Closes the connection without the client's knowledge, as a failing network would. */
  drop(): void;
}

/** Not in the document: the client handles an unknown code as a failure, and reconnects. */
const dropCode = 4999;

/** @param closed called after each close, after the client's own handler */
export function createTappedSocket(closed: (code: number, reason: string) => void): TappedSocket {
  let current: WebSocket | undefined;
  return {
    open(url, protocols, events) {
      const socket = new WebSocket(url, [...protocols]);
      current = socket;
      socket.addEventListener("open", () => events.opened());
      socket.addEventListener("message", ({ data }) => events.message(data));
      socket.addEventListener("error", () => events.failed());
      socket.addEventListener("close", ({ code, reason }) => {
        events.closed(code);
        closed(code, reason);
      });
      return socket;
    },
    send(data) {
      if (current?.readyState === WebSocket.OPEN) current.send(data);
    },
    drop() {
      current?.close(dropCode);
    },
  };
}
