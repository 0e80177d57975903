#!/usr/bin/env bash
# ocpp-rpc in strict mode answers an unknown action with ProtocolError where a wildcard handler rejects it with NotImplemented, as its README shows and OCPP-J 1.6 asks; without strict mode the handler decides.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent ocpp-rpc@2.2.1 ws@8.18.3
cat > ask.mjs <<'JS'
import { readFileSync } from "node:fs";
import { createRPCError, RPCServer } from "ocpp-rpc";
import { WebSocket } from "ws";

console.log(`ocpp-rpc ${JSON.parse(readFileSync("node_modules/ocpp-rpc/package.json", "utf8")).version}`);
async function codeOf(strictMode) {
  const server = new RPCServer({ protocols: ["ocpp1.6"], strictMode });
  server.auth((accept) => accept());
  server.on("client", (client) => {
    client.handle("Heartbeat", () => ({ currentTime: new Date().toISOString() }));
    client.handle(() => {
      throw createRPCError("NotImplemented");
    });
  });
  const http = await server.listen(0, "127.0.0.1");
  const socket = new WebSocket(`ws://127.0.0.1:${http.address().port}/CP1`, "ocpp1.6");
  const answer = await new Promise((resolve, reject) => {
    socket.once("open", () => socket.send('[2,"1","NoSuchAction",{}]'));
    socket.once("message", (data) => resolve(JSON.parse(data)));
    socket.once("error", reject);
  });
  socket.terminate();
  await server.close({ force: true });
  return answer[2];
}
const [loose, strict] = [await codeOf(false), await codeOf(true)];
console.log(`unknown action, strictMode off: ${loose}`);
console.log(`unknown action, strictMode on:  ${strict}`);
process.exit(loose === "NotImplemented" && strict === "ProtocolError" ? 0 : 1);
JS
timeout 30 node ask.mjs
