// What the reference aims at, whether it got there, and why it loses where it does. Pure.

import { echoCase, fanOutCase, idleCase, type Ratio } from "./ratios.ts";
import type { PeerId } from "./servers.ts";

export interface Target {
  readonly group: Ratio["group"];
  /** undefined: each of the group. */
  readonly when: string | undefined;
  readonly peer: PeerId;
  readonly atLeast?: number;
  readonly atMost?: number;
}

const crowded = fanOutCase(200, 64);
/** Of speeds, the reference's by theirs; of costs, too: at most says that less is better. */
export const targets: readonly Target[] = [
  { group: "fan-out", when: crowded, peer: "guide", atLeast: 10 },
  { group: "fan-out", when: crowded, peer: "socket.io", atLeast: 8 },
  { group: "fan-out", when: crowded, peer: "uws", atLeast: 1 },
  { group: "fan-out", when: crowded, peer: "bare", atLeast: 0.9 },
  { group: "fan-out", when: fanOutCase(200, 1), peer: "guide", atLeast: 1 },
  { group: "latency", when: undefined, peer: "guide", atMost: 1.2 },
  { group: "echo", when: echoCase(50, 1), peer: "ws", atLeast: 0.7 },
  { group: "echo", when: echoCase(50, 16), peer: "ws", atLeast: 0.7 },
  { group: "memory", when: idleCase(2_000), peer: "ws", atMost: 1.3 },
  { group: "memory", when: idleCase(8_000), peer: "ws", atMost: 1.3 },
  { group: "flatness", when: undefined, peer: "reference", atMost: 1.2 },
];

/** By the median. */
export function isMet({ atLeast = 0, atMost = Number.POSITIVE_INFINITY }: Target, { spread }: Ratio): boolean {
  return spread.median >= atLeast && spread.median <= atMost;
}

/** Why the reference may come out behind. Only those that it does come out behind are printed. */
const reasons: readonly { readonly group: Ratio["group"]; readonly peer: PeerId; readonly why: string }[] = [
  {
    group: "fan-out",
    peer: "bare",
    why: "the bare writer only writes. The reference unmasks and parses each message, checks it against its schema and its limits, gives it a place in the room's log, encodes it, acknowledges it, and hands it to each member's queue, which is watched: with one joined write per member, that is what is left to count",
  },
  {
    group: "fan-out",
    peer: "uws",
    why: "uWebSockets.js frames, queues and writes in C++, and a write there is a system call without the objects that node makes for each. Here each write is one of node's, and each message is checked, numbered, kept for replay and acknowledged besides. Joined writes make up for it only when several messages go out in one turn",
  },
  {
    group: "fan-out",
    peer: "guide",
    why: "with few members and few messages under way there is little to join, and the checks, the place in the log and the acknowledgement of each message weigh more than its deliveries",
  },
  {
    group: "fan-out",
    peer: "socket.io",
    why: "with few members the checks, the place in the log and the acknowledgement of each message weigh more than its deliveries",
  },
  {
    group: "latency",
    peer: "guide",
    why: "the reference writes at the end of the turn of the event loop in which a message came, the tutorial's loop at once",
  },
  {
    group: "echo",
    peer: "ws",
    why: "each request is checked against its schema and the rate limit, and replied to in the end of the turn",
  },
  { group: "echo", peer: "uws", why: "uWebSockets.js reads, unmasks and writes in C++" },
  {
    group: "connections",
    peer: "guide",
    why: "the reference verifies a signed token of each connection and greets it with its limits; the tutorial's server takes everyone",
  },
  {
    group: "connections",
    peer: "socket.io",
    why: "the reference verifies a signed token of each connection and greets it with its limits; this socket.io takes everyone",
  },
  {
    group: "connections",
    peer: "uws",
    why: "uWebSockets.js parses HTTP and upgrades in C++, and takes everyone; the reference goes through node:http and verifies a signed token",
  },
  {
    group: "flatness",
    peer: "reference",
    why: "where many connections are open, each delivery is written to a socket that the processor's caches have lost; the growth of the bare writer, which keeps nothing of its own, says how much of it is the system's",
  },
  {
    group: "memory",
    peer: "ws",
    why: "a connection also has a session, a user, a heartbeat and a timer, and accepting it allocates more (a token is verified), so that V8's young generation grows sooner",
  },
  {
    group: "memory",
    peer: "guide",
    why: "a connection also has a session, a user, a heartbeat and a timer, and accepting it allocates more (a token is verified), so that V8's young generation grows sooner",
  },
  {
    group: "memory",
    peer: "uws",
    why: "in uWebSockets.js a connection is a few hundred bytes of C++; in node a socket is some ten objects, and ws adds its own",
  },
];

export interface Loss {
  readonly group: Ratio["group"];
  readonly peer: PeerId;
  readonly ratios: readonly Ratio[];
  readonly why: string;
}

/** Everything in which the reference is behind by its median, with the reason where one is known. */
export function lossesIn(ratios: readonly Ratio[]): Loss[] {
  const behind = ratios.filter(
    // The cost of the bare writer grows as well, but that is not ours to lose.
    ({ group, peer, spread, isGain }) =>
      (group !== "flatness" || peer === "reference") && (isGain ? spread.median < 1 : spread.median > 1),
  );
  const keys = [...new Set(behind.map(({ group, peer }) => `${group}\n${peer}`))];
  return keys.map((key) => {
    const all = behind.filter(({ group, peer }) => `${group}\n${peer}` === key);
    const { group, peer } = all[0]!;
    const like = peer === "bun" ? "uws" : peer;
    const found = reasons.find((reason) => reason.group === group && reason.peer === like)?.why;
    const why =
      found === undefined ? "not known; it was not expected" : peer === "bun" ? `Bun builds on uWebSockets: ${found}` : found;
    return { group, peer, ratios: all, why };
  });
}
