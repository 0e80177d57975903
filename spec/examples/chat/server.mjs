// The chat on Node and ws. Its port is the first argument.
import { WebSocketServer } from "ws";

const rooms = new Map();
let connections = 0;
const isText = (value, most) => typeof value === "string" && value.length > 0 && [...value].length <= most;
const wants = { join: ["room"], leave: ["room"], say: ["room", "text"], ping: [] };
const most = { id: 36, room: 32, text: 500 };

function answer(socket, text) {
  let message;
  try {
    message = JSON.parse(text);
  } catch {
    return { type: "error", code: "BAD_JSON" };
  }
  if (typeof message !== "object" || message === null || Array.isArray(message)) return { type: "error", code: "BAD_MESSAGE" };
  const { type, id, room, text: said } = message;
  const re = isText(id, most.id) ? { re: id } : {};
  if (typeof type !== "string") return { type: "error", ...re, code: "BAD_MESSAGE" };
  if (!Object.hasOwn(wants, type)) return { type: "error", ...re, code: "UNKNOWN_TYPE" };
  if (["id", ...wants[type]].some((key) => !isText(message[key], most[key])))
    return { type: "error", ...re, code: "BAD_MESSAGE" };
  if (type === "ping") return { type: "pong", re: id };
  const members = rooms.get(room) ?? new Set();
  if (type === "join") {
    rooms.set(room, members.add(socket));
    return { type: "joined", re: id, room };
  }
  if (type === "leave") {
    if (members.delete(socket) && members.size === 0) rooms.delete(room);
    return { type: "left", re: id, room };
  }
  if (!members.has(socket)) return { type: "error", re: id, code: "NOT_A_MEMBER" };
  const heard = JSON.stringify({ type: "heard", room, from: socket.clientId, text: said });
  for (const member of members) if (member !== socket) member.send(heard);
  return { type: "said", re: id, room };
}

const server = new WebSocketServer({
  host: "127.0.0.1",
  port: Number(process.argv[2]),
  maxPayload: 8192,
  verifyClient: ({ req }, done) => done(req.url.split("?")[0] === "/chat", 404),
});
server.on("connection", (socket) => {
  socket.clientId = `c${++connections}`;
  socket.on("error", () => {}); // ws has closed the connection with the right code by then
  socket.on("message", (data, isBinary) => {
    if (isBinary) socket.close(1003, "text only");
    else if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(answer(socket, data.toString())));
  });
  socket.on("close", () => {
    for (const [room, members] of rooms) {
      if (!members.delete(socket)) continue;
      const gone = JSON.stringify({ type: "gone", room, who: socket.clientId });
      for (const member of members) member.send(gone);
      if (members.size === 0) rooms.delete(room);
    }
  });
  socket.send(JSON.stringify({ type: "welcome", you: socket.clientId }));
});
