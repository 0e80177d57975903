// The limit: bytes that are ready, one write per socket for all that came in one chunk. No JSON, and no frame is looked into.
// Its arguments: how many bytes a delivery has, and how many rooms there are. The number in the path of a connection decides its room.
import { type AddressInfo, createServer, type Socket } from "node:net";
import { acceptFor } from "../client/wire/upgrade.ts";
import { announcePort } from "./server-start.ts";

const [frameBytes, roomCount] = process.argv.slice(2).map(Number) as [number, number];
const maxFrames = 1024;
const frames = Buffer.alloc(frameBytes * maxFrames, "x");
for (let at = 0; at < frames.length; at += frameBytes) {
  frames[at] = 0x81;
  frames[at + 1] = 126;
  frames.writeUInt16BE(frameBytes - 4, at + 2);
}

const rooms = Array.from({ length: roomCount }, () => new Set<Socket>());
const server = createServer({ noDelay: true }, (socket) => {
  let members: Set<Socket> | undefined;
  /** Bytes of a request that has begun. */
  let pendingBytes = 0;
  socket.on("error", () => {});
  socket.on("close", () => members?.delete(socket));
  socket.on("data", (chunk) => {
    if (members === undefined) {
      const [, number, key = ""] = /^GET \/(\d+) [\s\S]*sec-websocket-key: (\S+)/i.exec(chunk.toString("latin1")) ?? [];
      const accept = `Sec-WebSocket-Accept: ${acceptFor(key)}`;
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${accept}\r\n\r\n`);
      members = rooms[Number(number) % roomCount]!.add(socket);
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
