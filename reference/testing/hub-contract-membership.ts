// The contract of a hub as tests: joining, leaving, and what a join replays.
import { describe, expect, test } from "vitest";
import { type StartCluster, say } from "./hub-recorder.ts";

export function describeMembership(start: StartCluster): void {
  describe("joining", () => {
    test("the first join opens the room", async () => {
      const { one, connect } = await start();
      const ada = await connect(one);
      const joined = await ada.join(one, "lobby");
      expect(joined).toMatchObject({ seq: 1, memberCount: 1, members: [ada.member], recovered: undefined });
      expect(joined.epoch).toMatch(/^.{1,64}$/);
    });

    test("the others hear of it at the next seq, the joiner does not", async () => {
      const { one, two, connect } = await start();
      const [ada, bob] = [await connect(one), await connect(two)];
      const first = await ada.join(one, "lobby");
      const second = await bob.join(two, "lobby");
      expect(second).toMatchObject({ epoch: first.epoch, seq: 2, memberCount: 2 });
      expect(second.members).toEqual(expect.arrayContaining([ada.member, bob.member]));
      await ada.until(() => ada.events("lobby").length === 1);
      expect(ada.events("lobby")[0]!.frame).toEqual({
        type: "user_joined",
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        payload: { room: "lobby", epoch: first.epoch, seq: 2, ...bob.member, memberCount: 2 },
      });
      await say(one, ada, "lobby", "fence");
      await bob.untilSaid("lobby", "fence");
      expect(bob.events("lobby")).toHaveLength(1);
    });

    test("a second join changes and announces nothing", async () => {
      const { one, two, connect } = await start();
      const [ada, bob] = [await connect(one), await connect(two)];
      await ada.join(one, "lobby");
      await bob.join(two, "lobby");
      const again = await bob.join(two, "lobby");
      expect(again).toMatchObject({ seq: 2, memberCount: 2 });
      await say(two, bob, "lobby", "fence");
      await ada.untilSaid("lobby", "fence");
      expect(ada.events("lobby").map(({ seq }) => seq)).toEqual([2, 3]);
    });

    test("a second join with since replays nothing and says whether anything was missed", async () => {
      const { one, connect } = await start();
      const [ada, bob] = [await connect(one), await connect(one)];
      const { epoch } = await ada.join(one, "lobby");
      await bob.join(one, "lobby");
      await say(one, ada, "lobby", "hello");
      await bob.untilSaid("lobby", "hello");
      expect((await bob.join(one, "lobby", { epoch, seq: 2 })).recovered).toBe(true);
      expect((await bob.join(one, "lobby", { epoch, seq: 1 })).recovered).toBe(false);
      expect((await bob.join(one, "lobby", { epoch: "other", seq: 2 })).recovered).toBe(false);
      expect(bob.contents("lobby")).toEqual(["hello"]);
    });

    test("refuses beyond membersPerRoom, on all nodes together, and not those who are in", async () => {
      const { one, two, connect } = await start({ membersPerRoom: 2 });
      const [ada, bob, eve] = [await connect(one), await connect(two), await connect(two)];
      await ada.join(one, "lobby");
      await bob.join(two, "lobby");
      expect(await two.join(eve, "lobby", undefined, () => expect.fail("called"))).toEqual({ refused: "ROOM_FULL" });
      expect((await ada.join(one, "lobby")).memberCount).toBe(2);
      await ada.leave(one, "lobby");
      expect((await eve.join(two, "lobby")).memberCount).toBe(2);
    });

    test("names at most 100 members, the joiner among them", async () => {
      const { one, connect } = await start();
      for (let count = 0; count < 104; count++) await (await connect(one)).join(one, "lobby");
      const last = await connect(one);
      const joined = await last.join(one, "lobby");
      expect(joined.memberCount).toBe(105);
      expect(joined.members).toHaveLength(100);
      expect(joined.members).toContainEqual(last.member);
    });

    test("rooms with names from the language are rooms like others", async () => {
      const { one, connect } = await start();
      const ada = await connect(one);
      for (const room of ["constructor", "toString", "hasOwnProperty", "proto"]) {
        expect(await ada.join(one, room)).toMatchObject({ seq: 1, memberCount: 1 });
      }
    });
  });

  describe("leaving", () => {
    test("the others hear of it, the leaver hears no more", async () => {
      const { one, two, connect } = await start();
      const [ada, bob] = [await connect(one), await connect(two)];
      await ada.join(one, "lobby");
      await bob.join(two, "lobby");
      await bob.leave(two, "lobby");
      await say(one, ada, "lobby", "are you gone?");
      await ada.untilSaid("lobby", "are you gone?");
      const [, left] = ada.events("lobby");
      expect(left!.frame).toMatchObject({
        type: "user_left",
        payload: { room: "lobby", seq: 3, ...bob.member, memberCount: 1, reason: "leave" },
      });
      await two.direct(bob.member, bob.member.clientId, "fence");
      await bob.until(() => bob.ephemeralPayloads().length === 1);
      const leftAt = bob.log.findIndex((entry) => entry.kind === "left");
      expect(bob.log.slice(leftAt).filter((entry) => entry.kind === "event")).toEqual([]);
    });

    test("a room that one is not in is left in silence", async () => {
      const { one, connect } = await start();
      const [ada, bob] = [await connect(one), await connect(one)];
      await ada.join(one, "lobby");
      await bob.leave(one, "lobby");
      expect(bob.log).toEqual([{ kind: "left", room: "lobby" }]);
      await say(one, ada, "lobby", "fence");
      await ada.untilSaid("lobby", "fence");
      expect(ada.events("lobby")).toHaveLength(1);
    });

    test("detach leaves every room with reason disconnect, once", async () => {
      const { one, two, connect } = await start();
      const [ada, bob] = [await connect(one), await connect(two)];
      for (const room of ["red", "blue"]) {
        await ada.join(one, room);
        await bob.join(two, room);
      }
      await two.detach(bob);
      await two.detach(bob);
      for (const room of ["red", "blue"]) {
        await say(one, ada, room, "fence");
        await ada.untilSaid(room, "fence");
        const lefts = ada.events(room).filter(({ frame }) => frame.type === "user_left");
        expect(lefts.map(({ frame }) => frame.payload)).toMatchObject([{ ...bob.member, memberCount: 1, reason: "disconnect" }]);
      }
    });
  });

  describe("recovery", () => {
    test("all that was missed follows joined_room in the same turn, in order", async () => {
      const { one, two, connect } = await start();
      const [ada, bob] = [await connect(one), await connect(two)];
      const { epoch } = await ada.join(one, "lobby");
      await bob.join(two, "lobby");
      await two.detach(bob);
      for (const content of ["one", "two", "three"]) await say(one, ada, "lobby", content);
      const again = await connect(two, bob.member.userId);
      const joined = await again.join(two, "lobby", { epoch, seq: 2 });
      expect(joined).toMatchObject({ epoch, seq: 7, recovered: true });
      await say(one, ada, "lobby", "four");
      await again.untilSaid("lobby", "four");
      expect(again.log[0]!.kind).toBe("joined");
      expect(again.events("lobby").map(({ seq }) => seq)).toEqual([3, 4, 5, 6, 8]);
      expect(again.contents("lobby")).toEqual(["one", "two", "three", "four"]);
    });

    test("says so where it cannot be shown that nothing is missing, and replays nothing", async () => {
      const { one, connect } = await start({ eventsPerRoom: 4 });
      const [ada, bob] = [await connect(one), await connect(one)];
      const { epoch } = await ada.join(one, "lobby");
      for (let count = 0; count < 6; count++) await say(one, ada, "lobby", `${count}`);
      for (const since of [
        { epoch, seq: 1 },
        { epoch, seq: 99 },
        { epoch: "other", seq: 7 },
      ]) {
        expect((await bob.join(one, "lobby", since)).recovered).toBe(false);
        await bob.leave(one, "lobby");
      }
      await say(one, ada, "lobby", "fence");
      await ada.untilSaid("lobby", "fence");
      expect(bob.events("lobby")).toEqual([]);
    });

    test("nothing missed is recovered too", async () => {
      const { one, connect } = await start();
      const [ada, bob] = [await connect(one), await connect(one)];
      const { epoch, seq } = await ada.join(one, "lobby");
      expect(await bob.join(one, "lobby", { epoch, seq })).toMatchObject({ recovered: true, seq: seq + 1 });
    });

    test("the log outlives the last member for a while, then its epoch ends", async () => {
      const { one, connect, advance } = await start({ keepRoomMs: 400 });
      const ada = await connect(one);
      const first = await ada.join(one, "lobby");
      await say(one, ada, "lobby", "still there?");
      await ada.leave(one, "lobby");
      const back = await ada.join(one, "lobby", first);
      expect(back).toMatchObject({ epoch: first.epoch, seq: 4, memberCount: 1, recovered: true });
      expect(ada.contents("lobby")).toContain("still there?");
      await ada.leave(one, "lobby");
      await advance(1_000);
      const later = await ada.join(one, "lobby", back);
      expect(later).toMatchObject({ seq: 1, memberCount: 1, recovered: false });
      expect(later.epoch).not.toBe(first.epoch);
    });
  });
}
