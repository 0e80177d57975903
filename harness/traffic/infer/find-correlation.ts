// Where a reply says which request it answers: the pair of members whose values come back, each once drawn by the client.
import { scalarsOf } from "./shape.ts";

export interface Seen {
  readonly connection: number;
  readonly side: "client" | "server";
  readonly frame: unknown;
}

export interface Correlation {
  /** In what the client sends. */
  readonly request: string;
  /** In what the server sends. */
  readonly reply: string;
}

const usual =
  /^(id|re|ref|seq|nonce|uid|rid|tx|txid|cid|rpcid|req|echo|mid|1)$|request.?id|reply.?to|correlation|message.?id|msg.?id|call.?id/i;
const leastMatches = 3;
const depth = 2;

/** @returns undefined where no values come back */
export function findCorrelation(seen: readonly Seen[]): Correlation | undefined {
  const asked = new Map<number, Map<string | number | boolean, Set<string>>>();
  const requests = new Map<string, { count: number; fresh: number }>();
  const replies = new Map<string, number>();
  const matches = new Map<string, { request: string; reply: string; count: number }>();
  for (const { connection, side, frame } of seen) {
    const own = asked.get(connection) ?? new Map<string | number | boolean, Set<string>>();
    asked.set(connection, own);
    for (const [pointer, value] of scalarsOf(frame, depth)) {
      if (typeof value === "boolean" || value === "") continue;
      if (side === "client") {
        const request = requests.get(pointer) ?? { count: 0, fresh: 0 };
        requests.set(pointer, request);
        request.count += 1;
        const before = own.get(value);
        if (before?.has(pointer) !== true) request.fresh += 1;
        own.set(value, (before ?? new Set()).add(pointer));
        continue;
      }
      replies.set(pointer, (replies.get(pointer) ?? 0) + 1);
      for (const request of own.get(value) ?? []) {
        const name = `${request} ${pointer}`;
        const match = matches.get(name) ?? { request, reply: pointer, count: 0 };
        match.count += 1;
        matches.set(name, match);
      }
    }
  }
  let best: { readonly score: number; readonly found: Correlation } | undefined;
  for (const { request, reply, count } of matches.values()) {
    const { count: sent, fresh } = requests.get(request)!;
    const last = (pointer: string) => pointer.slice(pointer.lastIndexOf("/") + 1);
    const isUsual = usual.test(last(request)) || usual.test(last(reply));
    const isShared = count / replies.get(reply)! >= (isUsual ? 0.3 : 0.6);
    // Ids are new each time; what a client repeats, such as a room, is none.
    if (count < leastMatches || !isShared || fresh / sent < (isUsual ? 0.4 : 0.9)) continue;
    const score = count * (fresh / sent) * (isUsual ? 3 : 1) * 0.9 ** (request.split("/").length + reply.split("/").length);
    if (best === undefined || score > best.score) best = { score, found: { request, reply } };
  }
  return best?.found;
}
