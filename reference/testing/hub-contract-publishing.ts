// The contract of a hub as tests: publishing, direct messages and typing.
import { describe, expect, test } from "vitest";
import type { Hub, Refused } from "../hub/hub.ts";
import { published, Recorder, type StartCluster, say } from "./hub-recorder.ts";

export function describePublishing(start: StartCluster): void {
  describe("publishing", () => {
    test("goes to every member on every node, the sender too, with one seq", async () => {
      const { one, two, connect } = await start();
      const [ada, bob] = [await connect(one), await connect(two)];
      const { epoch } = await ada.join(one, "lobby");
      await bob.join(two, "lobby");
      expect(await say(one, ada, "lobby", "hello \u{1F600} \u2028")).toEqual({ room: "lobby", epoch, seq: 3 });
      for (const recorder of [ada, bob]) {
        await recorder.untilSaid("lobby", "hello \u{1F600} \u2028");
        expect(recorder.events("lobby").at(-1)!.frame).toEqual({
          type: "message",
          timestamp: expect.any(String),
          payload: { room: "lobby", epoch, seq: 3, from: ada.member, content: "hello \u{1F600} \u2028" },
        });
      }
    });

    test("from many connections at once gives every member the same order without a gap", async () => {
      const { one, two, connect } = await start();
      const all: [Hub, Recorder][] = [];
      for (const hub of [one, two, one, two]) all.push([hub, await connect(hub)]);
      for (const [hub, recorder] of all) await recorder.join(hub, "lobby");
      const sends = all.flatMap(([hub, recorder], index) =>
        Array.from({ length: 25 }, (_, count) => say(hub, recorder, "lobby", `${index}/${count}`)),
      );
      const seqs = (await Promise.all(sends)).map((answer) => published(answer).seq);
      expect([...seqs].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, index) => index + 5));
      for (const [, recorder] of all) await recorder.until(() => recorder.contents("lobby").length === 100);
      const [first, ...others] = all.map(([, recorder]) =>
        recorder
          .events("lobby")
          .slice(-100)
          .map(({ text }) => text),
      );
      for (const other of others) expect(other).toEqual(first);
      const order = all[0]![1].contents("lobby");
      for (const index of [0, 1, 2, 3]) {
        expect(order.filter((content) => content.startsWith(`${index}/`))).toEqual(
          Array.from({ length: 25 }, (_, count) => `${index}/${count}`),
        );
      }
    });

    test("needs membership of a connection, but not over HTTP", async () => {
      const { one, connect } = await start();
      const [ada, bob] = [await connect(one), await connect(one)];
      await ada.join(one, "lobby");
      expect(await say(one, bob, "lobby", "let me in")).toEqual({ refused: "NOT_IN_ROOM" });
      expect(await say(one, bob, "nowhere", "anyone?")).toEqual({ refused: "NOT_IN_ROOM" });
      const from = { ...bob.member, clientId: null };
      const answer = await one.publish({ room: "lobby", from, content: "by post", key: undefined, needsMembership: false });
      expect(answer).toMatchObject({ seq: 2 });
      await ada.untilSaid("lobby", "by post");
      expect(ada.events("lobby").at(-1)!.frame.payload.from).toEqual(from);
    });

    test("a repeated key of the same user is answered as before and published once", async () => {
      const { one, two, connect, advance } = await start();
      const [ada, bob] = [await connect(one), await connect(two, "bob")];
      const bobAgain = await connect(one, "bob");
      for (const [hub, who] of [
        [one, ada],
        [two, bob],
        [one, bobAgain],
      ] as const)
        await who.join(hub, "lobby");
      const first = await say(two, bob, "lobby", "once", "0123456789abcdef");
      await advance(1_000);
      expect(await say(one, bobAgain, "lobby", "once", "0123456789abcdef")).toEqual(first);
      const other = published(await say(one, ada, "lobby", "of another user", "0123456789abcdef"));
      expect(other.seq).toBe(published(first).seq + 1);
      await ada.untilSaid("lobby", "of another user");
      expect(ada.contents("lobby")).toEqual(["once", "of another user"]);
    });

    test("a key is the user's, whatever the room: the answer names the first", async () => {
      const { one, connect } = await start();
      const ada = await connect(one);
      await ada.join(one, "red");
      await ada.join(one, "blue");
      const first = await say(one, ada, "red", "once", "0123456789abcdef");
      expect(await say(one, ada, "blue", "once", "0123456789abcdef")).toEqual(first);
      expect(first).toMatchObject({ room: "red" });
    });

    test("a key that was used before opens no room to one who is not in it", async () => {
      const { one, two, connect } = await start();
      const [ada, again] = [await connect(one, "ada"), await connect(two, "ada")];
      await ada.join(one, "lobby");
      await say(one, ada, "lobby", "once", "0123456789abcdef");
      expect(await say(two, again, "lobby", "once", "0123456789abcdef")).toEqual({ refused: "NOT_IN_ROOM" });
    });

    test("a key is forgotten after its time", async () => {
      const { one, connect, advance } = await start({ keepKeyMs: 300 });
      const ada = await connect(one);
      await ada.join(one, "lobby");
      const first = published(await say(one, ada, "lobby", "once", "0123456789abcdef"));
      await advance(301);
      expect(await say(one, ada, "lobby", "again", "0123456789abcdef")).toMatchObject({ seq: first.seq + 1 });
    });

    test("is limited per user over all nodes, before anything else, and the wait is true", async () => {
      const { one, two, connect, advance } = await start({ publishUser: { burst: 3, perSecond: 2 } });
      const [ada, adaAgain, bob] = [await connect(one, "ada"), await connect(two, "ada"), await connect(two)];
      for (const [hub, who] of [
        [one, ada],
        [two, adaAgain],
        [two, bob],
      ] as const)
        await who.join(hub, "lobby");
      published(await say(one, ada, "lobby", "1"));
      published(await say(two, adaAgain, "lobby", "2"));
      expect(await one.direct(ada.member, bob.member.clientId, "3")).toBe("sent");
      for (const answer of [
        await say(one, ada, "lobby", "4"),
        await say(two, adaAgain, "not joined", "4"),
        await one.direct(ada.member, "nobody", "4"),
      ]) {
        expect(answer).toEqual({ refused: "RATE_LIMITED", retryAfterMs: expect.any(Number) });
      }
      const refused = (await say(two, adaAgain, "lobby", "4")) as Extract<Refused, { refused: "RATE_LIMITED" }>;
      expect(refused.retryAfterMs).toBeGreaterThan(0);
      expect(refused.retryAfterMs).toBeLessThanOrEqual(500);
      published(await say(two, bob, "lobby", "another user"));
      await advance(refused.retryAfterMs);
      published(await say(two, adaAgain, "lobby", "5"));
      await bob.untilSaid("lobby", "5");
      expect(bob.contents("lobby")).toEqual(["1", "2", "another user", "5"]);
    });

    test("a broadcast reaches every connection, in a room or not, in one order", async () => {
      const { one, two, connect } = await start();
      const [ada, bob] = [await connect(one), await connect(two)];
      const first = published(await say(one, ada, null, "to all"));
      const second = published(await say(two, bob, null, "to all again"));
      expect(second).toEqual({ room: null, epoch: first.epoch, seq: first.seq + 1 });
      for (const recorder of [ada, bob]) {
        await recorder.until(() => recorder.contents(null).length === 2);
        expect(recorder.contents(null)).toEqual(["to all", "to all again"]);
        expect(recorder.events(null)[0]!.frame.payload).toMatchObject({ room: null, from: ada.member });
      }
    });
  });

  describe("outside the log", () => {
    test("a direct message reaches one connection on any node, in order", async () => {
      const { one, two, connect } = await start();
      const [ada, bob, eve] = [await connect(one), await connect(two), await connect(two)];
      for (const content of ["a", "b", "c"]) expect(await one.direct(ada.member, bob.member.clientId, content)).toBe("sent");
      await bob.until(() => bob.ephemeralPayloads().length === 3);
      expect(bob.ephemeralPayloads()).toMatchObject(
        ["a", "b", "c"].map((content) => ({ type: "direct_message", payload: { from: ada.member, content } })),
      );
      expect(eve.log).toEqual([]);
      expect(await one.direct(ada.member, "c-none", "hello?")).toEqual({ refused: "RECIPIENT_NOT_FOUND" });
      await two.detach(bob);
      expect(await one.direct(ada.member, bob.member.clientId, "hello?")).toEqual({ refused: "RECIPIENT_NOT_FOUND" });
    });

    test("typing reaches the other members", async () => {
      const { one, two, connect } = await start();
      const [ada, bob, eve] = [await connect(one), await connect(two), await connect(one)];
      await ada.join(one, "lobby");
      await bob.join(two, "lobby");
      one.typing(ada.member, "lobby", true);
      await bob.until(() => bob.ephemeralPayloads().length === 1);
      expect(bob.ephemeralPayloads()[0]).toMatchObject({
        type: "user_typing",
        payload: { room: "lobby", ...ada.member, active: true },
      });
      expect([...ada.ephemeralPayloads(), ...eve.ephemeralPayloads()]).toEqual([]);
    });

    test("a user's connections are counted over all nodes", async () => {
      const { one, two, connect } = await start({ connectionsPerUser: 2 });
      await connect(one, "ada");
      const second = await connect(two, "ada");
      expect(await one.attach(new Recorder("c-third", "ada"))).toBe("too-many");
      await two.detach(second);
      const third = new Recorder("c-third", "ada");
      expect(await one.attach(third)).toBe("attached");
      await one.detach(third);
    });
  });
}
