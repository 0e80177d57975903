// The contract of a hub as tests: whatever implements hub.ts runs this suite, with one node and with several on one backend.
import { afterEach, describe, expect, test } from "vitest";
import type { EphemeralEvent, Hub, HubSettings, Joined, LogEvent, Position, Published, Refused, Subscriber } from "../hub/hub.ts";

/** Hubs that share their rooms, and their clock. */
export interface HubCluster {
  readonly nodes: readonly Hub[];
  /** Lets at least `ms` pass for all that the hubs measure. */
  advance(ms: number): Promise<void>;
  /** Closes the nodes and frees the backend. */
  close(): Promise<void>;
}

/** Makes a fresh cluster with nothing in it. Both nodes may be one and the same hub where the backend is its memory. */
export type CreateCluster = (settings: HubSettings, nodeCount: number) => Promise<HubCluster>;

const settings: HubSettings = {
  membersPerRoom: 200,
  connectionsPerUser: 3,
  publishUser: { burst: 1000, perSecond: 1000 },
  eventsPerRoom: 50,
  keepRoomMs: 60_000,
  keepKeyMs: 120_000,
};

/** A connection that writes down what reaches it, in order. */
export class Recorder implements Subscriber {
  readonly member;
  /** `joined` and `left` are the moments at which the callbacks came. */
  readonly log: (
    | { readonly kind: "event"; readonly event: LogEvent }
    | { readonly kind: "loose"; readonly event: EphemeralEvent }
    | { readonly kind: "joined"; readonly joined: Joined }
    | { readonly kind: "left" | "lost"; readonly room: string | null }
  )[] = [];
  #changed: () => void = () => {};

  constructor(clientId: string, userId = `user-of-${clientId}`) {
    this.member = { clientId, userId, username: `Name of ${userId}` };
  }

  onEvent(event: LogEvent): void {
    this.#add({ kind: "event", event });
  }
  onEphemeral(event: EphemeralEvent): void {
    this.#add({ kind: "loose", event });
  }
  onStateLost(room: string | null): void {
    this.#add({ kind: "lost", room });
  }
  #add(entry: Recorder["log"][number]): void {
    this.log.push(entry);
    this.#changed();
  }

  /** Joins through `hub`. @throws where it is refused */
  async join(hub: Hub, room: string, since?: Position): Promise<Joined> {
    const refused = await hub.join(this, room, since, (joined) => this.#add({ kind: "joined", joined }));
    if (refused) throw new Error(`join refused: ${refused.refused}`);
    const joined = this.log.findLast((entry) => entry.kind === "joined");
    if (joined?.kind !== "joined") throw new Error("onJoined was not called");
    return joined.joined;
  }
  async leave(hub: Hub, room: string): Promise<void> {
    await hub.leave(this, room, () => this.#add({ kind: "left", room }));
  }

  /** The events of `room` so far, parsed. */
  events(room: string | null) {
    const events = this.log.flatMap((entry) => (entry.kind === "event" && entry.event.room === room ? [entry.event] : []));
    return events.map((event) => ({ ...event, frame: JSON.parse(event.text) }));
  }
  /** What was said in `room`, in the order of its arrival. */
  contents(room: string | null): string[] {
    return this.events(room).flatMap(({ frame }) => (frame.type === "message" ? [frame.payload.content] : []));
  }
  loosePayloads() {
    return this.log.flatMap((entry) => (entry.kind === "loose" ? [JSON.parse(entry.event.text)] : []));
  }

  /** Waits until `condition` holds. @throws after 10 s, with all that came */
  async until(condition: () => boolean): Promise<void> {
    const deadline = Date.now() + 10_000;
    while (!condition()) {
      if (Date.now() > deadline) throw new Error(`never came; so far: ${JSON.stringify(this.log)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 100);
        this.#changed = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
  untilSaid(room: string | null, content: string): Promise<void> {
    return this.until(() => this.contents(room).includes(content));
  }
}

export function say(hub: Hub, from: Recorder, room: string | null, content: string, key?: string): Promise<Published | Refused> {
  return hub.publish({ room, from: from.member, content, key, needsMembership: room !== null });
}

function published(answer: Published | Refused): Published {
  if ("refused" in answer) throw new Error(`refused: ${answer.refused}`);
  return answer;
}

/** Defines the tests. @param name what is tested, for the report */
export function describeHub(name: string, createCluster: CreateCluster): void {
  let open: HubCluster | undefined;
  let attached: [Hub, Recorder][] = [];
  let names = 0;

  afterEach(async () => {
    for (const [hub, recorder] of attached) await hub.detach(recorder);
    attached = [];
    await open?.close();
    open = undefined;
  });

  async function start(changes: Partial<HubSettings> = {}) {
    open = await createCluster({ ...settings, ...changes }, 2);
    const [one, two] = open.nodes as [Hub, Hub];
    const { advance } = open;
    async function connect(hub: Hub, userId?: string): Promise<Recorder> {
      names += 1;
      const recorder = new Recorder(`c-${names}`, userId);
      expect(await hub.attach(recorder)).toBe("attached");
      attached.push([hub, recorder]);
      return recorder;
    }
    return { one, two, connect, advance: (ms: number) => advance(ms) };
  }

  describe(name, () => {
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
        await bob.until(() => bob.loosePayloads().length === 1);
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
          expect(lefts.map(({ frame }) => frame.payload)).toMatchObject([
            { ...bob.member, memberCount: 1, reason: "disconnect" },
          ]);
        }
      });
    });

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
        await bob.until(() => bob.loosePayloads().length === 3);
        expect(bob.loosePayloads()).toMatchObject(
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
        await bob.until(() => bob.loosePayloads().length === 1);
        expect(bob.loosePayloads()[0]).toMatchObject({
          type: "user_typing",
          payload: { room: "lobby", ...ada.member, active: true },
        });
        expect([...ada.loosePayloads(), ...eve.loosePayloads()]).toEqual([]);
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
  });
}
