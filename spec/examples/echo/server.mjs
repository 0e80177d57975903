// The echo on Node and ws, in twenty lines. Its port is the first argument.
import { WebSocketServer } from "ws";

const server = new WebSocketServer({ host: "127.0.0.1", port: Number(process.argv[2]) });
server.on("connection", (socket) => {
  socket.on("error", () => {}); // ws has closed the connection with the right code by then
  socket.on("message", (data) => {
    let message;
    try {
      message = JSON.parse(data.toString());
    } catch {
      return;
    }
    const { type, id, text } = Object(message);
    if (type === "say" && typeof id === "string" && typeof text === "string") socket.send(JSON.stringify({ type, id, text }));
  });
});
