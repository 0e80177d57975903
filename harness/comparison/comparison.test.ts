// Every compared server really delivers, and a server that does not is found out. No time is asserted.
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { encodeFrame, opcode } from "../client/wire/frame.ts";
import { acceptFor } from "../client/wire/upgrade.ts";
import { bareAdapter } from "./adapter.ts";
import { emitPeers } from "./emit-comparison.ts";
import { FanOutDriver } from "./fan-out-driver.ts";
import { measureConnections } from "./measure-connections.ts";
import { measureEcho } from "./measure-echo.ts";
import { measureFanOut, probeFrameBytes } from "./measure-fan-out.ts";
import { measureMemory } from "./measure-memory.ts";
import { quickPlan } from "./plan.ts";
import type { Results } from "./results.ts";
import { createStage } from "./run-servers.ts";
import type { RunningPeer } from "./servers.ts";

let lossy: Server | undefined;
afterEach(() => lossy?.close());

describe("npm run bench:peers", () => {
  let results: Results = {};

  it("counts deliveries, replies and connections of every server", async () => {
    const frameBytes = await probeFrameBytes();
    const stage = createStage(
      () => {},
      () => frameBytes,
    );
    results = {
      fanout: await measureFanOut(quickPlan, stage),
      echo: await measureEcho(quickPlan, stage),
      connections: await measureConnections(quickPlan, stage),
      memory: await measureMemory(quickPlan, stage),
    };
    // Bun is no dependency: it is compared where it was installed.
    const withBun = stage.absent.has("bun") ? 0 : 1;
    expect([...stage.absent.keys()]).toEqual(withBun === 1 ? [] : ["bun"]);
    const { fanout, echo, connections, memory } = results;
    for (const { members, inFlight, samples } of fanout!.cases) {
      expect(Object.keys(samples)).toEqual(expect.arrayContaining(["reference", "guide", "socket.io", "uws", "bare"]));
      for (const [sample] of Object.values(samples)) {
        // Whole messages, and at least those that were under way at once.
        expect(sample!.count % members).toBe(0);
        expect(sample!.count).toBeGreaterThanOrEqual(members * inFlight);
        expect(sample!.cpuMs).toBeGreaterThan(0);
      }
    }
    expect(fanout!.frameBytes.bare).toEqual([frameBytes]);
    expect(frameBytes).toBeGreaterThan(200);
    for (const { connections, inFlight, samples } of echo!.cases) {
      expect(Object.keys(samples)).toEqual(expect.arrayContaining(["reference", "ws", "uws"]));
      for (const [sample] of Object.values(samples)) expect(sample!.count).toBeGreaterThanOrEqual(connections * inFlight);
    }
    expect(Object.values(connections!.samples).map(([sample]) => sample!.count)).toEqual(
      Array(4 + withBun).fill(quickPlan.connections),
    );
    expect(connections!.flat.map(({ samples }) => samples.reference!.length)).toEqual([1, 1]);
    for (const { bytes } of memory!.cases) expect(Object.keys(bytes)).toHaveLength(5 + withBun);
  });

  it("has a row for each of them", () => {
    const machine = { cores: 2, cpu: "a processor", node: "v20.19.0", system: "Linux" };
    const text = emitPeers({ machine, plan: quickPlan, results, absent: new Map([["uws", "no binary"]]) });
    expect(text).toContain("on 2 cores (a processor), Node v20.19.0");
    expect(text).toContain("Not measured: uWebSockets.js (no binary).");
    expect(text.match(/^\| 10 \| 1 \| /gm)).toHaveLength(2);
    for (const heading of ["Fan-out", "Echo", "Connections", "Memory"]) expect(text).toContain(`\n## ${heading}\n`);
    expect(text).not.toMatch(/NaN|undefined|Infinity/);
  });
});

describe("a server that does not deliver", () => {
  it("is found out when it sends a message twice", async () => {
    const crowd = await FanOutDriver.connectAll(
      await startLossy((members, frame) => members.map((member) => member.write(frame)), 2),
      {
        members: 3,
      },
    );
    await expect(crowd.publishClosed(1, 1_000)).rejects.toThrow("got message 1 of 1 sent");
    crowd.close();
  });

  it("is found out when a member is left out", async () => {
    const crowd = await FanOutDriver.connectAll(
      await startLossy((members, frame) => members.slice(1).map((one) => one.write(frame)), 1),
      {
        members: 3,
        stalledMs: 200,
      },
    );
    await expect(crowd.publishClosed(1, 1_000)).rejects.toThrow("1 of 3 members still miss some of 1 messages");
    crowd.close();
  });

  it("is found out when it ends a connection", async () => {
    const crowd = await FanOutDriver.connectAll(await startLossy((members) => members[2]!.destroy(), 1), { members: 3 });
    await expect(crowd.publishClosed(1, 1_000)).rejects.toThrow("member 2 of 3: the server ended the connection");
    crowd.close();
  });
});

/** Does `publish` with one frame for each chunk that a member sends, so many times. */
async function startLossy(publish: (members: readonly Socket[], frame: Buffer) => unknown, times: number): Promise<RunningPeer> {
  const frame = encodeFrame({ opcode: opcode.text, payload: "x".repeat(300) });
  const members: Socket[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (head) => {
      const key = /key: (\S+)/i.exec(head.toString())![1]!;
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: ${acceptFor(key)}\r\n\r\n`);
      members.push(socket);
      socket.on("data", () => {
        for (let one = 0; one < times; one++) publish(members, frame);
      });
    });
  });
  lossy = server;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = new URL(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return { id: "bare", url, pid: process.pid, adapter: bareAdapter, stop: async () => {} };
}
