// The limit: bytes that are ready, one write per socket for all that came in one chunk. No room, no JSON, no frame is looked into.
// Its argument is how many bytes a delivery has.
import { type AddressInfo, createServer, type Socket } from "node:net";
import { acceptFor } from "../../wire/upgrade.ts";
import { announcePort } from "./server-start.ts";

const frameBytes = Number(process.argv[2] ?? 300);
const maxFrames = 1024;
const frames = Buffer.alloc(frameBytes * maxFrames, "x");
for (let at = 0; at < frames.length; at += frameBytes) {
  frames[at] = 0x81;
  frames[at + 1] = 126;
  frames.writeUInt16BE(frameBytes - 4, at + 2);
}

const members = new Set<Socket>();
const server = createServer({ noDelay: true }, (socket) => {
  let isOpen = false;
  /** Bytes of a request that has begun. */
  let pendingBytes = 0;
  socket.on("error", () => {});
  socket.on("close", () => members.delete(socket));
  socket.on("data", (chunk) => {
    if (!isOpen) {
      const key = /sec-websocket-key: (\S+)/i.exec(chunk.toString("latin1"))?.[1] ?? "";
      const accept = `Sec-WebSocket-Accept: ${acceptFor(key)}`;
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${accept}\r\n\r\n`);
      isOpen = true;
      members.add(socket);
      return;
    }
    // All requests are alike: the first says how long each is.
    const short = chunk[1]! & 0x7f;
    requestBytes ??= short === 126 ? 8 + chunk.readUInt16BE(2) : 6 + short;
    pendingBytes += chunk.length;
    const count = Math.floor(pendingBytes / requestBytes);
    pendingBytes -= count * requestBytes;
    if (count === 0) return;
    const bytes = frames.subarray(0, frameBytes * Math.min(count, maxFrames));
    for (const member of members) member.write(bytes);
  });
});
let requestBytes: number | undefined;
server.listen(0, "127.0.0.1", () => announcePort((server.address() as AddressInfo).port));
