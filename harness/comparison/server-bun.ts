// The same chat on Bun, whose WebSocket server and topics are those of uWebSockets in its own runtime. Run by Bun, not by Node.
import { announcePort } from "./server-start.ts";

interface BunSocket {
  readonly data: { readonly id: string };
  send(text: string): void;
  subscribe(topic: string): void;
  isSubscribed(topic: string): boolean;
}
interface BunServer {
  readonly port: number;
  upgrade(request: Request, options: { data: BunSocket["data"] }): boolean;
  publish(topic: string, text: string): void;
}
declare const Bun: { serve(options: object): BunServer };

const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch(request: Request, self: BunServer) {
    return self.upgrade(request, { data: { id: crypto.randomUUID() } }) ? undefined : new Response(null, { status: 426 });
  },
  websocket: {
    perMessageDeflate: false,
    idleTimeout: 0,
    sendPings: false,
    // What waits beyond it is dropped, which would be faster than to deliver it.
    backpressureLimit: 2 ** 30,
    open(socket: BunSocket) {
      const timestamp = new Date().toISOString();
      socket.send(JSON.stringify({ type: "welcome", payload: { clientId: socket.data.id }, timestamp }));
    },
    message(socket: BunSocket, data: string) {
      const { type, id, payload } = JSON.parse(data);
      const timestamp = new Date().toISOString();
      if (type === "join") {
        socket.subscribe(payload.room);
        socket.send(JSON.stringify({ type: "joined", payload: { room: payload.room }, timestamp, replyTo: id }));
      } else if (type === "say") {
        const { room, content } = payload;
        if (typeof content !== "string" || !socket.isSubscribed(room)) return;
        const from = { clientId: socket.data.id, userId: "member", username: "member" };
        server.publish(room, JSON.stringify({ type: "said", payload: { room, from, content }, timestamp }));
      } else if (type === "echo") socket.send(JSON.stringify({ type: "echoed", payload, timestamp, replyTo: id }));
    },
  },
});

announcePort(server.port);
