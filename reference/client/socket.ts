// The one interface that the client needs of a WebSocket, the same in a browser and in Node.

export interface SocketEvents {
  /** The upgrade succeeded. */
  opened(): void;
  /** @param data a string for a text frame; anything else is a binary frame */
  message(data: unknown): void;
  /** The connection failed. `closed` may follow; with the WebSocket of Node 22 it does not. */
  failed(): void;
  closed(code: number): void;
}

export interface Socket {
  send(text: string): void;
  close(code?: number): void;
  /** Ends the connection without a close handshake. */
  terminate?(): void;
  /** As in the WebSocket standard: 2 closing, 3 closed. */
  readonly readyState?: number;
}

/** Opens a connection. `events` are called later, never during the call. */
export type OpenSocket = (url: string, protocols: readonly string[], events: SocketEvents) => Socket;

interface StandardSocket extends Socket {
  addEventListener(type: string, listener: (event: { data?: unknown; code?: number }) => void): void;
}
type StandardSocketClass = new (url: string, protocols: string[]) => StandardSocket;

/** Uses a class with the interface of the WebSocket standard: that of browsers, of Node 22 and later, or of the package ws. */
export function standardSockets(WebSocketClass: unknown): OpenSocket {
  return (url, protocols, events) => {
    const socket = new (WebSocketClass as StandardSocketClass)(url, [...protocols]);
    socket.addEventListener("open", () => events.opened());
    socket.addEventListener("message", ({ data }) => events.message(data));
    // ws throws an error for which it has no listener.
    socket.addEventListener("error", () => events.failed());
    socket.addEventListener("close", ({ code }) => events.closed(code ?? 1006));
    return socket;
  };
}

/** @throws Error if the platform has no WebSocket and the package ws is not installed */
export async function defaultSockets(): Promise<OpenSocket> {
  const own = (globalThis as { WebSocket?: unknown }).WebSocket;
  if (own !== undefined) return standardSockets(own);
  const { WebSocket } = await import("ws");
  return standardSockets(WebSocket);
}
