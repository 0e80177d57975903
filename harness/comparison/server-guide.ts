// The chat server of the tutorials, on express and ws: parse, look at the type, and one JSON.stringify and one send per member.
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import { WebSocket, WebSocketServer } from "ws";
import { announcePort } from "./server-start.ts";

interface Client {
  readonly id: string;
  readonly socket: WebSocket;
  readonly rooms: Set<string>;
}

const app = express();
app.get("/health", (_request, response) => {
  response.json({ status: "ok" });
});
const server = createServer(app);
const wss = new WebSocketServer({ server });
const clients = new Map<string, Client>();
const rooms = new Map<string, Set<string>>();

function sendTo(client: Client, message: object): void {
  if (client.socket.readyState === WebSocket.OPEN) client.socket.send(JSON.stringify(message));
}

function broadcastToRoom(room: string, message: object): void {
  for (const id of rooms.get(room) ?? []) {
    const client = clients.get(id);
    if (client) sendTo(client, message);
  }
}

wss.on("connection", (socket) => {
  const client: Client = { id: randomUUID(), socket, rooms: new Set() };
  clients.set(client.id, client);
  sendTo(client, { type: "welcome", payload: { clientId: client.id }, timestamp: new Date().toISOString() });

  socket.on("message", (data) => {
    try {
      handle(client, JSON.parse(data.toString()));
    } catch {
      sendTo(client, { type: "error", payload: { message: "Invalid message format" } });
    }
  });
  socket.on("close", () => {
    for (const room of client.rooms) rooms.get(room)?.delete(client.id);
    clients.delete(client.id);
  });
});

function handle(client: Client, { type, id, payload }: { type: string; id: string; payload: { room: string; content: string } }) {
  const timestamp = new Date().toISOString();
  if (type === "join") {
    const members = rooms.get(payload.room) ?? new Set();
    rooms.set(payload.room, members.add(client.id));
    client.rooms.add(payload.room);
    sendTo(client, { type: "joined", payload: { room: payload.room }, timestamp, replyTo: id });
  } else if (type === "say") {
    const { room, content } = payload;
    if (typeof content !== "string" || !client.rooms.has(room)) throw new TypeError("not a message for this room");
    const from = { clientId: client.id, userId: "member", username: "member" };
    broadcastToRoom(room, { type: "said", payload: { room, from, content }, timestamp });
  }
}

server.listen(0, "127.0.0.1", () => announcePort((server.address() as AddressInfo).port));
