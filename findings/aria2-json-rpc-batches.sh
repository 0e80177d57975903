#!/usr/bin/env bash
# aria2 1.36 answers an empty JSON-RPC batch with an empty array, and passes over items of a batch that are no objects, where JSON-RPC 2.0 section 6 asks for an error -32600 for each.
set -euo pipefail
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent ws@8.18.3
(apt-get download aria2=1.36.0-1 libaria2-0=1.36.0-1 >/dev/null 2>&1 && for package in *.deb; do dpkg -x "$package" .; done) || { echo "Debian 12's aria2 1.36.0-1 is not to be had here"; exit 1; }
libraries=$(dirname "$(find . -name 'libaria2.so.0')")
port=$(node -e 'const s=require("node:net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')
LD_LIBRARY_PATH="$PWD/$libraries" ./usr/bin/aria2c --enable-rpc --rpc-listen-port="$port" --no-conf --quiet &
server=$!
cat > ask.mjs <<'JS'
import { WebSocket } from "ws";

const open = async () => {
  for (let tries = 0; tries < 50; tries++) {
    const socket = new WebSocket(`ws://127.0.0.1:${process.argv[2]}/jsonrpc`);
    const isOpen = await new Promise((resolve) => socket.once("open", () => resolve(true)).once("error", () => resolve(false)));
    if (isOpen) return socket;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("aria2 does not listen");
};
const socket = await open();
const came = [];
socket.on("message", (data) => {
  console.log(`<- ${String(data).slice(0, 160)}`);
  came.push(JSON.parse(String(data)));
});
const send = (message) => {
  console.log(`-> ${JSON.stringify(message)}`);
  socket.send(JSON.stringify(message));
};
send([]);
send([{ jsonrpc: "2.0", id: 1, method: "aria2.getVersion" }, 7]);
send({ jsonrpc: "2.0", id: 2, method: "aria2.getVersion" });
while (!came.some(({ id }) => id === 2)) await new Promise((resolve) => socket.once("message", resolve));
const [empty, batch, single] = came;
console.log(`aria2 ${single.result.version}`);
socket.terminate();
process.exit(came.length === 3 && JSON.stringify(empty) === "[]" && batch.length === 1 && batch[0].id === 1 ? 0 : 1);
JS
timeout 60 node ask.mjs "$port"
