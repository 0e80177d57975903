#!/usr/bin/env bash
# ws 8.23.0 ends a connection with 1006, without a close frame, when 90 valid pings come at once: it allows 60 automatic pongs to be pending.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent ws@8.23.0
cat > ask.mjs <<'JS'
import { readFileSync } from "node:fs";
import { WebSocket, WebSocketServer } from "ws";

console.log(`ws ${JSON.parse(readFileSync("node_modules/ws/package.json", "utf8")).version}`);
const outcomeOf = async (pings, options = {}) => {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, ...options });
  await new Promise((resolve) => server.once("listening", resolve));
  server.on("connection", (socket) => socket.on("error", () => {}));
  const socket = new WebSocket(`ws://127.0.0.1:${server.address().port}`);
  const outcome = await new Promise((resolve) => {
    let pongs = 0;
    socket.on("pong", () => ++pongs === pings && resolve(`${pongs} pongs`));
    socket.on("close", (code) => resolve(`close ${code}`));
    socket.on("error", () => {});
    socket.once("open", () => {
      socket._socket.cork(); // all in one packet
      for (let count = 0; count < pings; count++) socket.ping();
      socket._socket.uncork();
    });
  });
  socket.terminate();
  server.close();
  return outcome;
};
const few = await outcomeOf(30);
const many = await outcomeOf(90);
const allowed = await outcomeOf(90, { maxPendingAutoPongs: 0 });
console.log(`30 pings: ${few}\n90 pings: ${many}\n90 pings, maxPendingAutoPongs: 0: ${allowed}`);
process.exit(few === "30 pongs" && many === "close 1006" && allowed === "90 pongs" ? 0 : 1);
JS
timeout 60 node ask.mjs
