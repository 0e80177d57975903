// The same chat on socket.io: its rooms, and the websocket transport alone.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server } from "socket.io";
import { announcePort } from "./server-start.ts";

const never = 2 ** 31 - 1;
const server = createServer();
const io = new Server(server, { transports: ["websocket"], serveClient: false, pingInterval: never, pingTimeout: never });

io.on("connection", (socket) => {
  socket.on("join", async ({ id, room }: { id: string; room: string }) => {
    await socket.join(room);
    socket.emit("joined", { room, replyTo: id });
  });
  socket.on("say", ({ room, content }: { room: string; content: string }) => {
    if (typeof content !== "string" || !socket.rooms.has(room)) return;
    const from = { clientId: socket.id, userId: "member", username: "member" };
    io.to(room).emit("said", { room, from, content, timestamp: new Date().toISOString() });
  });
});

server.listen(0, "127.0.0.1", () => announcePort((server.address() as AddressInfo).port));
