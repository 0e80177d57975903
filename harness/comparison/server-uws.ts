// The same chat on uWebSockets.js, whose sockets, rooms and fan-out are C++: publish to a topic.
import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import type * as UwsModule from "@trufflesuite/uws-js-unofficial";
import { announcePort } from "./server-start.ts";

interface Client {
  id: string;
}

// The binary itself: the package would go on with JavaScript, without an error, where there is none for this Node.
const binary = `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`;
const uws: typeof UwsModule = createRequire(import.meta.url)(`@trufflesuite/uws-js-unofficial/binaries/${binary}`);
const app = uws.App();

app.ws<Client>("/*", {
  compression: uws.DISABLED,
  idleTimeout: 0,
  sendPingsAutomatically: false,
  // What waits beyond it is dropped, which would be faster than to deliver it.
  maxBackpressure: 2 ** 30,
  upgrade(response, request, context) {
    response.upgrade<Client>(
      { id: randomUUID() },
      request.getHeader("sec-websocket-key"),
      request.getHeader("sec-websocket-protocol"),
      request.getHeader("sec-websocket-extensions"),
      context,
    );
  },
  open(socket) {
    const { id: clientId } = socket.getUserData();
    socket.send(JSON.stringify({ type: "welcome", payload: { clientId }, timestamp: new Date().toISOString() }));
  },
  message(socket, data) {
    const { type, id, payload } = JSON.parse(Buffer.from(data).toString());
    const timestamp = new Date().toISOString();
    if (type === "join") {
      socket.subscribe(payload.room);
      socket.send(JSON.stringify({ type: "joined", payload: { room: payload.room }, timestamp, replyTo: id }));
    } else if (type === "say") {
      const { room, content } = payload;
      if (typeof content !== "string" || !socket.isSubscribed(room)) return;
      const from = { clientId: socket.getUserData().id, userId: "member", username: "member" };
      app.publish(room, JSON.stringify({ type: "said", payload: { room, from, content }, timestamp }));
    } else if (type === "echo") socket.send(JSON.stringify({ type: "echoed", payload, timestamp, replyTo: id }));
  },
});

app.listen("127.0.0.1", 0, (listening) => {
  if (!listening) throw new Error("cannot listen on a free port of 127.0.0.1");
  announcePort(uws.us_socket_local_port(listening));
});
