// Histories -> what they show of the protocol: two passes over the events, so that memory does not grow with their number.
import { UsageError } from "../../schema/errors.ts";
import type { TrafficEvent } from "../traffic-event.ts";
import { Classifier, type SampledFrame } from "./classify.ts";
import { placesOf } from "./emit-schema.ts";
import { findErrors, type InferredErrors } from "./find-errors.ts";
import type { Kind } from "./kind.ts";
import { nameKinds } from "./name-kinds.ts";
import { Observer } from "./observe.ts";
import { type Pair, pairReplies } from "./pair-replies.ts";

export interface Inferred {
  readonly observer: Observer;
  /** Messages of the protocol, named; what the server always refused is left out. */
  readonly kinds: readonly Kind[];
  /** What the server never took. */
  readonly refusedKinds: readonly Kind[];
  readonly pairs: readonly Pair[];
  readonly errors: InferredErrors | undefined;
  /** The message that is always the first of the server, unasked. */
  readonly first: Kind | undefined;
  /** The server asks with a message at regular intervals, and the client answers; or the other way round. */
  readonly heartbeat: { readonly by: "client" | "server"; readonly frame: Kind; readonly answer: Kind | undefined } | undefined;
}

/** Frames by which the tags and the id are found. */
const sampleSize = 20_000;

/** @param read goes through the same events each time. @throws UsageError where there is no message */
export async function infer(read: () => AsyncIterable<TrafficEvent>): Promise<Inferred> {
  const sample: SampledFrame[] = [];
  for await (const event of read()) {
    if ((event.kind !== "send" && event.kind !== "receive") || event.binary) continue;
    const { connection, frame, json } = event;
    sample.push({ connection, side: event.kind === "send" ? "client" : "server", frame, json });
    if (sample.length >= sampleSize) break;
  }
  const observer = new Observer(new Classifier(sample));
  for await (const event of read()) observer.take(event);
  observer.end();
  if (observer.messages === 0)
    throw new UsageError("the traffic has no message. Record some: wsproof record URL --listen 9000 -o traffic.ndjson");
  const all = [...observer.classifier.kinds.values()];
  const { notJson } = observer;
  const unknown = unknownKinds(all, notJson.size > 0);
  const kinds = all.filter((kind) => !unknown.includes(kind));
  for (const kind of kinds) kind.showRefused();
  const pairs = pairReplies(kinds, observer.steps);
  nameKinds(all, pairs);
  const first = firstOf(kinds, observer);
  return {
    ...{ observer, kinds, pairs, first, refusedKinds: unknown },
    errors: findErrors(kinds, unknown, notJson),
    heartbeat: heartbeatOf(kinds, pairs, observer),
  };
}

const unknownName = /unknown|not.?found|unsupported|unimplemented|no.?such|method|type|32601/i;

/** What the server does not know: always refused, with the code of such, or with one that several others got too; texts among JSON. */
function unknownKinds(all: readonly Kind[], refusesText: boolean): readonly Kind[] {
  const always = all.filter(({ side, refused, shape }) => side === "client" && refused > 0 && shape.count === 0);
  const texts = all.filter(({ side, format }) => side === "client" && format === "text" && refusesText);
  const isUnknown = ({ refusals }: Kind) =>
    refusals.size === 0 ||
    always.length > 2 ||
    [...refusals.values()].some((shape) =>
      [...placesOf(shape, 3)].some(([, { values }]) =>
        [...(values?.keys() ?? [])].some((value) => unknownName.test(String(value))),
      ),
    );
  return [...new Set([...always.filter(isUnknown), ...texts])];
}

function firstOf(kinds: readonly Kind[], { connections }: Observer): Kind | undefined {
  const found = kinds.find(({ firstUnasked }) => firstUnasked > 0);
  if (found === undefined || found.count > connections.count) return undefined;
  const total = kinds.reduce((sum, { firstUnasked, firstAsked }) => sum + firstUnasked + firstAsked, 0);
  return found.count === total && found.firstUnasked + found.firstAsked === total ? found : undefined;
}

const leastBeats = 4;

function heartbeatOf(kinds: readonly Kind[], pairs: readonly Pair[], { steps }: Observer): Inferred["heartbeat"] {
  for (const frame of kinds) {
    const { count, sum, squares } = frame.intervals;
    const mean = sum / count;
    if (count < leastBeats || mean < 200 || Math.sqrt(Math.max(0, squares / count - mean ** 2)) > 0.15 * mean) continue;
    if (frame.side === "client") {
      const pair = pairs.find(({ request }) => request === frame);
      if (pair !== undefined) return { by: "client", frame, answer: pair.replies[0] };
      continue;
    }
    if (frame.unasked < frame.count || pairs.some(({ replies }) => replies.includes(frame))) continue;
    const answer = answerOf(frame, kinds, steps);
    if (answer !== undefined) return { by: "server", frame, answer };
  }
  return undefined;
}

/** What the client sends next after each of them, and never else. */
function answerOf(frame: Kind, kinds: readonly Kind[], steps: Observer["steps"]): Kind | undefined {
  const next = new Map<Kind, number>();
  for (const talk of steps)
    for (const [index, step] of talk.entries()) {
      const after = step === frame ? talk.slice(index + 1, index + 4).find((other) => "frame" in other) : undefined;
      if (after !== undefined && "frame" in after) next.set(after.kind, (next.get(after.kind) ?? 0) + 1);
    }
  return kinds.find((kind) => (next.get(kind) ?? 0) >= frame.count * 0.8 && kind.count <= frame.count * 1.2);
}
