// The one thing the client needs of a WebSocket, the same in a browser and in Node.

export interface SocketEvents {
  message(text: string): void;
  /** Once, also where the connection never opened. */
  closed(code: number): void;
}

export interface Socket {
  send(text: string): void;
  close(code?: number): void;
}

/** Opens a connection; `events` are called later, never during the call. */
export type OpenSocket = (url: string, protocols: readonly string[], events: SocketEvents) => Socket;

interface StandardSocket {
  send(text: string): void;
  close(code?: number): void;
  addEventListener(type: string, listener: (event: { data?: unknown; code?: number }) => void): void;
}
type StandardSocketClass = new (url: string, protocols: string[]) => StandardSocket;

/** By the platform's own WebSocket (browsers, Node 22 and later), or a class that looks like it, such as that of the package ws. */
export function standardSockets(WebSocketClass: unknown): OpenSocket {
  return (url, protocols, events) => {
    const socket = new (WebSocketClass as StandardSocketClass)(url, [...protocols]);
    socket.addEventListener("message", ({ data }) => events.message(String(data)));
    socket.addEventListener("close", ({ code }) => events.closed(code ?? 1006));
    // A close event follows each error; without a listener ws would throw it.
    socket.addEventListener("error", () => undefined);
    return socket;
  };
}

/** @throws Error where the platform has no WebSocket and the package ws is not installed */
export async function defaultSockets(): Promise<OpenSocket> {
  const own = (globalThis as { WebSocket?: unknown }).WebSocket;
  if (own !== undefined) return standardSockets(own);
  const { WebSocket } = await import("ws");
  return standardSockets(WebSocket);
}
