// What flooders send: one kind of traffic each, as fast as they can.
import { connect } from "node:net";
import { clientFrame, opcodes, RawSocket, textFrame, upgradeRequest } from "./raw-socket.ts";

export interface FloodKind {
  readonly name: string;
  /** Runs one connection to its end. @returns the close code, or what else the server did */
  attack(port: number, token: string): Promise<string>;
}

/** Frames written at once. */
const framesPerWrite = 500;
const emptyFragment = clientFrame(opcodes.continuation, Buffer.alloc(0));

/** Floods until the server has hung up. */
function floodOf(name: string, frames: readonly Buffer[], first: Buffer = Buffer.alloc(0)): FloodKind {
  const flood = Buffer.concat(Array.from({ length: framesPerWrite }, (_, index) => frames[index % frames.length]!));
  return {
    name,
    async attack(port, token) {
      const raw = await RawSocket.open(port, token);
      raw.socket.on("error", () => {});
      await raw.write(first);
      while (!raw.hasEnded) {
        await raw.write(flood);
        await new Promise(setImmediate);
      }
      return `${raw.closeCode ?? "reset"}`;
    },
  };
}

export const floodKinds: readonly FloodKind[] = [
  floodOf("valid messages", [textFrame('{"type":"chat","id":"1","payload":{"room":"flood","content":"x"}}')]),
  floodOf("bad JSON", [textFrame("x")]),
  floodOf("pings", [clientFrame(0x80 | opcodes.ping, Buffer.alloc(0))]),
  floodOf("pongs", [clientFrame(0x80 | opcodes.pong, Buffer.alloc(0))]),
  floodOf("empty fragments", [emptyFragment], clientFrame(opcodes.text, Buffer.alloc(0))),
  {
    name: "upgrades that are refused",
    attack: (port) =>
      new Promise((resolve) => {
        let answer = "";
        const socket = connect(port, "127.0.0.1", () => socket.write(upgradeRequest("/nowhere")));
        socket.on("error", () => {});
        socket.on("data", (data) => {
          answer ||= data.subarray(9, 12).toString("latin1");
          socket.destroy();
        });
        socket.on("close", () => resolve(answer || "reset"));
      }),
  },
  {
    name: "upgrades that are accepted and ended",
    async attack(port, token) {
      const raw = await RawSocket.open(port, token);
      raw.socket.on("error", () => {});
      raw.socket.destroy();
      await raw.closed();
      return "ended";
    },
  },
];
