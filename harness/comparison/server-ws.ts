// ws alone: parses each frame as JSON and sends it back. What echo and an idle connection cost at the least.
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import { announcePort } from "./server-start.ts";

const server = new WebSocketServer({ port: 0, host: "127.0.0.1", clientTracking: false });
server.on("connection", (socket) => {
  socket.send(JSON.stringify({ type: "welcome", timestamp: new Date().toISOString() }));
  socket.on("message", (data) => {
    const { id, payload } = JSON.parse(data.toString());
    socket.send(JSON.stringify({ type: "echoed", payload, timestamp: new Date().toISOString(), replyTo: id }));
  });
});
server.on("listening", () => announcePort((server.address() as AddressInfo).port));
