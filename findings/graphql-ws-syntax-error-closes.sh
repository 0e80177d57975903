#!/usr/bin/env bash
# graphql-ws 6.4.2 ends the whole connection with 4500 when one operation's query does not parse; a query that parses and does not validate gets the protocol's error message.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent graphql-ws@6.4.2 graphql@16.12.0 ws@8.18.3
cat > ask.mjs <<'JS'
import { readFileSync } from "node:fs";
import { buildSchema } from "graphql";
import { useServer } from "graphql-ws/use/ws";
import { WebSocket, WebSocketServer } from "ws";

console.log(`graphql-ws ${JSON.parse(readFileSync("node_modules/graphql-ws/package.json", "utf8")).version}`);
console.error = () => undefined;
const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
await new Promise((resolve) => server.once("listening", resolve));
useServer({ schema: buildSchema("type Query { hello: String }") }, server);
const outcomeOf = async (query) => {
  const socket = new WebSocket(`ws://127.0.0.1:${server.address().port}`, "graphql-transport-ws");
  socket.once("open", () => socket.send('{"type":"connection_init"}'));
  const outcome = await new Promise((resolve) => {
    socket.once("close", (code, reason) => resolve(`close ${code} ${reason}`));
    socket.on("message", (data) => {
      const { type } = JSON.parse(String(data));
      if (type === "connection_ack") socket.send(JSON.stringify({ type: "subscribe", id: "1", payload: { query } }));
      else resolve(`message ${type}`);
    });
  });
  socket.terminate();
  console.log(`${query}: ${outcome}`);
  return outcome;
};
const invalid = await outcomeOf("{ unknown }");
const unparsable = await outcomeOf("{ hello");
process.exit(invalid === "message error" && unparsable.startsWith("close 4500") ? 0 : 1);
JS
timeout 60 node ask.mjs
