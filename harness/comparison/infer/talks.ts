// What honest clients of four protocols say, long enough to make about 1 000 frames.
import { type Frame, Talker } from "./talker.ts";

export interface TalkOptions {
  readonly url: string;
  /** A credential of the user, where the protocol has some. */
  readonly token: (user: string, claims?: Readonly<Record<string, unknown>>) => Promise<string>;
}

/** Ends while its last clients are still connected where the end of the server belongs to the protocol. */
export type Talk = (options: TalkOptions) => Promise<void>;

const isReplyTo = (id: unknown) => (frame: Frame) => frame.replyTo === id;

/** Members of a few rooms: one after the other joins, talks to all and to one, and goes. */
export const talkInRooms: Talk = async ({ url, token }) => {
  const users = ["ada", "bea", "cleo", "dora", "eva", "fay", "gil", "hal"];
  const enter = async (user: string) => {
    const claims = { username: `The ${user}`, roles: ["broadcaster"] };
    const talker = await Talker.open(url, ["rooms.v1"], { Authorization: `Bearer ${await token(user, claims)}` });
    const { payload } = await talker.until("connected", ({ type }) => type === "connected");
    const ask = (type: string, content: object) => {
      const id = `${user}-${talker.nextId()}`;
      talker.send({ type, id, payload: content });
      return talker.until(`the reply to ${type}`, isReplyTo(id));
    };
    return { user, talker, ask, clientId: payload.clientId as string };
  };
  const members = [];
  for (const [index, user] of users.entries()) {
    const one = await enter(user);
    members.push(one);
    const { ask, talker } = one;
    const rooms = ["tea", index % 2 === 0 ? "coffee" : "water"];
    for (const room of rooms) await ask("join_room", { room });
    for (let turn = 0; turn < 10; turn += 1) {
      const room = rooms[turn % 2]!;
      const { payload } = await ask("chat", {
        room,
        content: `Hello ${turn} of ${user}`,
        ...(turn === 9 && { key: `k-${user}` }),
      });
      await ask("ping", { sentAt: turn * 1000 });
      if (turn === 4) await ask("join_room", { room, since: { epoch: payload.epoch, seq: payload.seq - 1 } });
    }
    talker.send({ type: "typing", payload: { room: "tea", active: true } });
    talker.send({ type: "typing", payload: { room: "tea", active: false } });
    await ask("direct", { to: members[0]!.clientId, content: `For you alone, from ${user}` });
    await ask("broadcast", { content: `All of you, says ${user}` });
    await ask("authenticate", { token: await token(user) });
    if (index % 3 === 2) {
      await ask("chat", { room: "nowhere", content: "Is anybody here?" });
      talker.send({ type: "typing", payload: { room: "nowhere", active: true } });
      await talker.until("an error", ({ type }) => type === "error");
    }
    if (index % 2 === 0) await ask("leave_room", { room: "coffee" });
    if (index % 2 === 0) await ask("ping", {});
  }
  for (const { talker } of members.splice(4)) await talker.close();
  for (const { ask } of members) await ask("ping", { at: "the end" });
};

/** Queries, subscriptions that end and that stay, and mistakes. */
export const talkGraphql: Talk = async ({ url }) => {
  for (let client = 0; client < 6; client += 1) {
    const talker = await Talker.open(url, ["graphql-transport-ws"]);
    talker.send({ type: "connection_init", ...(client % 2 === 1 && { payload: { locale: "en" } }) });
    await talker.until("connection_ack", ({ type }) => type === "connection_ack");
    for (let turn = 0; turn < 8; turn += 1) {
      const begin = async (query: string, last: string, more: object = {}) => {
        const id = `${client}-${talker.nextId()}`;
        talker.send({ id, type: "subscribe", payload: { query, ...more } });
        await talker.until(last, (frame) => frame.id === id && frame.type === last);
        return id;
      };
      await begin("{ hello }", "complete", turn % 2 === 0 ? { variables: {} } : {});
      await begin("query Hello { hello }", "complete", { operationName: "Hello" });
      await begin("subscription { ends }", "complete");
      const id = await begin("subscription { stays }", "next");
      talker.send({ id, type: "complete" });
      if (turn % 3 === 0) await begin("{ nothing }", "error");
      const included = "query ($yes: Boolean!) { hello @include(if: $yes) }";
      await begin(included, "complete", { variables: { yes: turn % 3 === 0 ? "no Boolean" : true } });
      talker.send({ type: "ping", ...(turn % 2 === 0 && { payload: { turn } }) });
      await talker.until("pong", ({ type }) => type === "pong");
      if (turn % 4 === 0) talker.send({ type: "pong" });
    }
    await talker.close();
  }
};

const asker = (talker: Talker, base: object) => async (method: string, params?: unknown) => {
  const id = talker.nextId();
  talker.send({ ...base, id, method, ...(params !== undefined && { params }) });
  return talker.until(`the reply to ${method}`, (frame) => frame.id === id);
};

/** Downloads that are added paused, so that nothing is fetched. */
export const talkAria2: Talk = async ({ url }) => {
  for (let client = 0; client < 5; client += 1) {
    const talker = await Talker.open(url);
    const ask = asker(talker, { jsonrpc: "2.0" });
    for (let turn = 0; turn < 25; turn += 1) {
      await ask("aria2.getVersion");
      const { result } = await ask("aria2.addUri", [["http://127.0.0.1:9/nothing"], { pause: "true" }]);
      await ask("aria2.tellStatus", [result]);
      await ask("aria2.getGlobalStat");
      if (turn % 5 === 4) await ask("aria2.tellStatus", ["0123456789abcdef"]);
    }
    await talker.close();
  }
};

/** One session of a debugger that only looks. */
export const talkDevtools: Talk = async ({ url }) => {
  const talker = await Talker.open(url);
  const ask = asker(talker, {});
  for (let turn = 0; turn < 160; turn += 1) {
    await ask("Runtime.getIsolateId");
    await ask("Runtime.getHeapUsage");
    await ask("Runtime.evaluate", { expression: ["1 + 1", "'a' + 1", "null", "true"][turn % 4] });
    if (turn % 10 === 9) await ask("Runtime.evaluate", {});
  }
  await talker.close();
};
