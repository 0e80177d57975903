import { describe, expect, test } from "vitest";
import { createManualClock } from "../clock.ts";
import { describeHub } from "../testing/hub-contract.ts";
import { HubUnavailable } from "./hub.ts";
import { MemoryHub } from "./memory-hub.ts";
import { RoomLog } from "./room-log.ts";

describeHub("the hub in memory", async (settings, nodeCount) => {
  const clock = createManualClock();
  const hub = new MemoryHub(settings, clock);
  return {
    nodes: Array.from({ length: nodeCount }, () => hub),
    advance: async (ms) => clock.advance(ms),
    close: () => hub.close(),
  };
});

describe("the memory of the memory hub", () => {
  const settings = {
    membersPerRoom: 10,
    connectionsPerUser: 10,
    publishUser: { burst: 1_000_000, perSecond: 1_000_000 },
    eventsPerRoom: 1000,
    keepRoomMs: 60_000,
    keepKeyMs: 1_000,
  };
  const from = { clientId: null, userId: "ada", username: "Ada" };

  test("is bounded for rooms without members: the longest idle are dropped first", async () => {
    const hub = new MemoryHub(settings, createManualClock());
    const post = (room: string) => hub.publish({ room, from, content: "x", key: undefined, needsMembership: false });
    const first = await post("room-0");
    for (let count = 1; count <= 10_000; count++) await post(`room-${count}`);
    expect(await post("room-10000")).toMatchObject({ seq: 2 });
    expect(await post("room-0")).toMatchObject({ seq: 1 });
    expect(first).toMatchObject({ seq: 1 });
  });

  test("is bounded for idempotency keys, and rejects more", async () => {
    const hub = new MemoryHub({ ...settings, keepKeyMs: 1e9 }, createManualClock());
    const post = (count: number) =>
      hub.publish({ room: null, from, content: "x", key: `key-${String(count).padStart(12, "0")}`, needsMembership: false });
    for (let count = 0; count < 500_000; count++) await post(count);
    await expect(post(500_000)).rejects.toThrow(HubUnavailable);
    expect(await post(0)).toMatchObject({ seq: 1 });
  });

  test("a log keeps only its latest events", () => {
    const log = new RoomLog("e", 3);
    for (let count = 0; count < 10; count++)
      log.append((position) => ({ ...position, room: "r", text: "", excludeClientId: null }));
    expect(log.size).toBe(3);
    expect(log.after({ epoch: "e", seq: 7 })?.map(({ seq }) => seq)).toEqual([8, 9, 10]);
    expect(log.after({ epoch: "e", seq: 6 })).toBeUndefined();
    expect(log.after({ epoch: "e", seq: 10 })).toEqual([]);
  });
});
