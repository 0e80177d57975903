// Which message answers which request: by the id, else by the order in which they come.
import { Kind } from "./kind.ts";
import type { Step } from "./observe.ts";

export interface Pair {
  readonly request: Kind;
  readonly replies: readonly Kind[];
  readonly by: "id" | "order";
  /** Requests that show it. */
  readonly seen: number;
}

/** How far behind its request a reply without an id is looked for. */
const maxDistance = 6;
const leastRequests = 2;

/** @param steps of each connection, in order */
export function pairReplies(kinds: readonly Kind[], steps: readonly (readonly Step[])[]): Pair[] {
  const pairs: Pair[] = [];
  for (const request of kinds.filter(({ side }) => side === "client")) {
    // Where several messages carry the id of one request, they are its results, and no single one is its reply.
    if (request.answers.size === 0 || request.isStream) continue;
    pairs.push({ request, replies: [...request.answers.keys()], by: "id", seen: request.answered });
  }
  const paired = new Set(pairs.map(({ request }) => request));
  const open = kinds.filter((kind) => kind.side === "client" && !paired.has(kind) && kind.answers.size === 0);
  const found = pairInOrder(kinds, open, steps);
  return [...pairs, ...found.filter(({ request }) => !paired.has(request))];
}

function pairInOrder(kinds: readonly Kind[], open: readonly Kind[], steps: readonly (readonly Step[])[]): Pair[] {
  const best = new Map<Kind, { readonly reply: Kind; readonly seen: number; readonly distance: number }>();
  for (const reply of kinds.filter(({ side, isError, unasked }) => side === "server" && !isError && unasked > 0)) {
    const byDistance = open
      .filter((kind) => isFollowedBy(kind, reply, steps))
      .map((request) => ({ request, distance: distanceOf(request, reply, steps) }))
      .sort((one, other) => one.distance - other.distance);
    // What only comes before the request that is answered is farther from the reply: it is left out until every reply fits.
    for (; byDistance.length > 0; byDistance.pop()) {
      const seen = matchedInOrder(new Set(byDistance.map(({ request }) => request)), reply, steps);
      if (seen === undefined) continue;
      for (const { request, distance } of byDistance) {
        const other = best.get(request);
        if (other === undefined || distance < other.distance)
          best.set(request, { reply, seen: seen.get(request) ?? 0, distance });
      }
      break;
    }
  }
  return [...best].map(([request, { reply, seen }]) => ({ request, replies: [reply], by: "order" as const, seen }));
}

/** Whether nearly each of the requests has one soon after it. */
function isFollowedBy(request: Kind, reply: Kind, steps: readonly (readonly Step[])[]): boolean {
  let asked = 0;
  let followed = 0;
  for (const talk of steps)
    for (const [index, step] of talk.entries()) {
      if (step instanceof Kind || step.kind !== request || step.isRefused) continue;
      const after = talk.slice(index + 1, index + 1 + maxDistance * 4).filter((other) => other instanceof Kind);
      if (after.length === 0) continue;
      asked += 1;
      if (after.slice(0, maxDistance).includes(reply)) followed += 1;
    }
  return asked >= leastRequests && followed / asked >= 0.9;
}

/** Mean number of steps from a request to the reply. */
function distanceOf(request: Kind, reply: Kind, steps: readonly (readonly Step[])[]): number {
  let sum = 0;
  let count = 0;
  for (const talk of steps)
    for (const [index, step] of talk.entries())
      if (!(step instanceof Kind) && step.kind === request) {
        const at = talk.slice(index, index + maxDistance * 4).indexOf(reply);
        sum += at < 0 ? maxDistance * 4 : at;
        count += 1;
      }
  return sum / count;
}

/** @returns how many of each request were answered; undefined where a reply came that nobody had asked for */
function matchedInOrder(
  requests: ReadonlySet<Kind>,
  reply: Kind,
  steps: readonly (readonly Step[])[],
): ReadonlyMap<Kind, number> | undefined {
  const seen = new Map<Kind, number>();
  let left = 0;
  let total = 0;
  for (const talk of steps) {
    const waiting: Kind[] = [];
    for (const step of talk) {
      if (!(step instanceof Kind)) {
        if (requests.has(step.kind) && !step.isRefused) waiting.push(step.kind);
      } else if (step === reply) {
        const request = waiting.shift();
        if (request === undefined) return undefined;
        seen.set(request, (seen.get(request) ?? 0) + 1);
        total += 1;
      }
    }
    left += waiting.length;
  }
  return left > total * 0.1 + steps.length ? undefined : seen;
}
