#!/usr/bin/env bash
# graphql-ws 6.4.2 closes with 4500 in place of the protocol's 4409 when an id of over 93 bytes is used twice: the reason that names the id is longer than a close frame can hold.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent graphql-ws@6.4.2 graphql@16.12.0 ws@8.23.0
cat > ask.mjs <<'JS'
import { readFileSync } from "node:fs";
import { buildSchema } from "graphql";
import { useServer } from "graphql-ws/use/ws";
import { WebSocket, WebSocketServer } from "ws";

console.log(`graphql-ws ${JSON.parse(readFileSync("node_modules/graphql-ws/package.json", "utf8")).version}`);
console.error = () => undefined;
const schema = buildSchema("type Query { hello: String } type Subscription { stays: String }");
async function* stays() {
  await new Promise(() => undefined);
}
const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
await new Promise((resolve) => server.once("listening", resolve));
useServer({ schema, roots: { subscription: { stays } } }, server);
const closeAfterTwo = async (id) => {
  const socket = new WebSocket(`ws://127.0.0.1:${server.address().port}`, "graphql-transport-ws");
  const subscribe = JSON.stringify({ type: "subscribe", id, payload: { query: "subscription { stays }" } });
  socket.once("open", () => socket.send('{"type":"connection_init"}'));
  socket.once("message", () => {
    socket.send(subscribe);
    socket.send(subscribe);
  });
  const [code, reason] = await new Promise((resolve) => {
    socket.once("close", (...how) => resolve(how));
    setTimeout(resolve, 5_000, ["none", "within 5 s"]);
  });
  socket.terminate();
  console.log(`an id of ${id.length} bytes twice: close ${code} ${reason}`);
  return code;
};
const short = await closeAfterTwo("a".repeat(36));
const long = await closeAfterTwo("a".repeat(100));
process.exit(short === 4409 && long === 4500 ? 0 : 1);
JS
timeout 60 node ask.mjs
