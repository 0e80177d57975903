// The client's socket with a tap: what no client should send can be sent, and its end is seen.
import type { OpenSocket } from "../client/socket.ts";

export interface TappedSocket {
  readonly open: OpenSocket;
  /** Past the client. Does nothing while there is no connection. */
  send(data: string | Uint8Array<ArrayBuffer>): void;
  /** Ends the connection as a failing network would: the client was not asked. */
  cut(): void;
}

/** Of our own; the client takes a code that it does not know for a failure. */
const cutCode = 4999;

/** @param closed called at each end, after the client has heard of it */
export function createTappedSocket(closed: (code: number, reason: string) => void): TappedSocket {
  let current: WebSocket | undefined;
  return {
    open(url, protocols, events) {
      const socket = new WebSocket(url, [...protocols]);
      current = socket;
      socket.addEventListener("message", ({ data }) => events.message(String(data)));
      socket.addEventListener("close", ({ code, reason }) => {
        events.closed(code);
        closed(code, reason);
      });
      return socket;
    },
    send(data) {
      if (current?.readyState === WebSocket.OPEN) current.send(data);
    },
    cut() {
      current?.close(cutCode);
    },
  };
}
