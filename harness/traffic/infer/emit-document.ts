// What was inferred -> an AsyncAPI 3 document, as plain data with notes. Pure.
import { Noted, placesOf, type SchemaContext, schemaOf } from "./emit-schema.ts";
import type { Inferred } from "./infer.ts";
import type { Kind } from "./kind.ts";
import { withoutSecrets } from "./mask-example.ts";
import type { Pair } from "./pair-replies.ts";

const channelId = "socket";
const channelRef = { $ref: `#/channels/${channelId}` };
const refTo = ({ name }: Kind) => ({ $ref: `#/channels/${channelId}/messages/${name}` });
const maxExampleLength = 4_000;
const many = (count: number, what: string) => `${count} ${what}${count === 1 ? "" : "s"}`;

export interface DocumentChoice {
  readonly title: string;
}

export function emitDocument(inferred: Inferred, { title }: DocumentChoice): Record<string, unknown> {
  const { observer, kinds, errors } = inferred;
  const path = [...observer.paths].sort(([, a], [, b]) => b - a)[0]?.[0] ?? "/";
  return {
    asyncapi: "3.0.0",
    info: {
      title,
      version: "0.1.0",
      description: `A draft from ${many(observer.messages, "message")} on ${many(observer.connections.count, "connection")}.`,
    },
    servers: { local: { host: "localhost:8080", protocol: "ws", description: "Put the address of your server here." } },
    ...(errors !== undefined && { "x-errors": errorsOf(inferred) }),
    channels: { [channelId]: channelOf(inferred, path) },
    operations: operationsOf(inferred),
    components: {
      messages: Object.fromEntries(
        kinds.map((kind) => [
          kind.name,
          new Noted(messageOf(kind, inferred), `${many(kind.count, "frame")}${refusedNote(kind)}`),
        ]),
      ),
    },
  };
}

const refusedNote = ({ refused }: Kind) => (refused > 0 ? `, of which ${refused} were refused` : "");

function errorsOf({ errors }: Inferred): object {
  const replies = errors!.replies.map(({ kind, pointer }) => ({ message: kind.name, code: pointer }));
  return {
    reply: replies.length === 1 ? replies[0] : replies,
    codes: errors!.codes.map(({ code, when, seen }) => {
      const name = typeof code === "string" && /^[A-Za-z]\w*$/.test(code) ? {} : { name: codeName(code) };
      return new Noted({ code, ...name, ...(when !== "required" && { when }) }, `${seen} times`);
    }),
  };
}

const codeName = (code: unknown) => `CODE_${String(code).replace(/^-/, "MINUS_").replaceAll(/\W/g, "_").toUpperCase()}`;

function channelOf(inferred: Inferred, path: string): object {
  const { observer, kinds, first, pairs } = inferred;
  const subprotocols = [...observer.subprotocols].filter(([name]) => name !== "");
  const total = observer.connections.count;
  const handshake = {
    ...(first !== undefined && { first: new Noted(first.name, `on ${first.count} of ${total} connections`) }),
    ...(subprotocols.length > 0 && {
      subprotocols: new Noted(
        subprotocols.map(([name]) => name),
        subprotocols.map(([name, count]) => `${name} on ${many(count, "connection")}`).join(", "),
      ),
    }),
  };
  const beat = heartbeatOf(inferred);
  const closeCodes = [...observer.closes].filter(([code]) => code !== 1005 && code !== 1006).sort(([a], [b]) => a - b);
  const fence = fenceOf(pairs, observer.overtaken);
  const delivery = {
    ...(fence !== undefined && { fence: new Noted(fence.request.name, `answered ${many(fence.seen, "time")}, in order`) }),
    ...(observer.overtaken > 0 && {
      replies: new Noted("any-order", `${many(observer.overtaken, "reply")} came before an earlier one`),
    }),
    ...(fence !== undefined && { streams: {} }),
  };
  return {
    address: path,
    servers: [{ $ref: "#/servers/local" }],
    messages: Object.fromEntries(kinds.map(({ name }) => [name, { $ref: `#/components/messages/${name}` }])),
    ...(Object.keys(handshake).length > 0 && { "x-handshake": handshake }),
    ...(observer.classifier.hasBatches && { "x-batch": true }),
    ...(beat !== undefined && { "x-heartbeat": beat }),
    ...(closeCodes.length > 0 && {
      "x-close-codes": closeCodes.map(([code, { count, by, reasons }]) => {
        const who = by.size > 1 ? "either" : [...by][0];
        const when = [...reasons].map((reason) => JSON.stringify(reason.slice(0, 80))).join(", ");
        return new Noted(
          {
            ...{ code, name: standardNames[code] ?? `CLOSE_${code}`, by: who, reconnect: code === 1000 ? "stop" : "back-off" },
            ...(when !== "" && { when: `Seen with the reason ${when}.` }),
          },
          many(count, "time"),
        );
      }),
    }),
    ...(Object.keys(delivery).length > 0 && { "x-delivery": delivery }),
  };
}

const standardNames: Readonly<Record<number, string>> = {
  ...{ 1000: "NORMAL", 1001: "GOING_AWAY", 1002: "PROTOCOL_ERROR", 1003: "UNSUPPORTED_DATA", 1007: "INVALID_PAYLOAD" },
  ...{
    1008: "POLICY_VIOLATION",
    1009: "MESSAGE_TOO_BIG",
    1011: "INTERNAL_ERROR",
    1012: "SERVICE_RESTART",
    1013: "TRY_AGAIN_LATER",
  },
};

/** A request that was always answered, never refused, and whose replies no other overtook. */
function fenceOf(pairs: readonly Pair[], overtaken: number): Pair | undefined {
  if (overtaken > 0) return undefined;
  const good = pairs.filter(
    ({ request, replies, seen }) => replies.length === 1 && request.refused === 0 && seen >= request.count && seen >= 2,
  );
  return (
    good.find(({ request }) => /ping|heartbeat|alive|echo/i.test(request.name)) ??
    good.find(({ request }) => /^get|version|list/i.test(request.name))
  );
}

function heartbeatOf({ observer, heartbeat }: Inferred): object | undefined {
  const guess = (intervalMs: number) => new Noted(intervalMs, "a guess: no beat was missed");
  if (heartbeat !== undefined) {
    const { count, most } = heartbeat.frame.intervals;
    const intervalMs = Math.ceil(most / 100) * 100;
    const answer = heartbeat.answer === undefined ? {} : { answer: heartbeat.answer.name };
    const interval = new Noted(intervalMs, `the longest of ${count}`);
    return { by: heartbeat.by, frame: heartbeat.frame.name, ...answer, intervalMs: interval, timeoutMs: guess(intervalMs) };
  }
  for (const by of ["server", "client"] as const) {
    const { count, most } = observer.pings[by];
    if (count < 3) continue;
    const intervalMs = Math.ceil(most / 100) * 100;
    return { by, frame: "ping", intervalMs: new Noted(intervalMs, `the longest of ${count}`), timeoutMs: guess(intervalMs) };
  }
  return undefined;
}

function operationsOf({ kinds, pairs, errors, observer }: Inferred): object {
  const operations: Record<string, unknown> = {};
  for (const kind of kinds.filter(({ side }) => side === "client")) {
    const pair = pairs.find(({ request }) => request === kind);
    const codes = [...(errors?.codesOf(kind) ?? [])];
    const refusals = [...kind.refusals.keys()];
    const replies = pair === undefined ? [] : [...new Set([...pair.replies, ...refusals])];
    const correlated = observer.classifier.correlation !== undefined && kind.withId > 0 && kind.withId < kind.count;
    operations[kind.name] = {
      action: "receive",
      channel: channelRef,
      messages: [refTo(kind)],
      ...(pair !== undefined && {
        reply: new Noted(
          { channel: channelRef, messages: replies.map(refTo) },
          `by ${pair.by}, ${pair.seen} of ${kind.count} requests${unansweredNote(pair)}`,
        ),
      }),
      ...(pair?.by === "id" && correlated && { "x-reply": "when-correlated" }),
      "x-exercise": "examples",
      ...(codes.length > 0 && {
        "x-requires": [
          new Noted(
            { may: codes.map(([code]) => code) },
            codes.map(([code, count]) => `${code} ${many(count, "time")}`).join(", "),
          ),
        ],
      }),
    };
  }
  const isOnlyReply = (kind: Kind) =>
    pairs.some(({ replies }) => replies.includes(kind)) &&
    (kind.unasked === 0 || pairs.some(({ by, replies }) => by === "order" && replies.includes(kind)));
  const events = kinds.filter((kind) => kind.side === "server" && !isOnlyReply(kind));
  for (const kind of events) operations[`send_${kind.name}`] = { action: "send", channel: channelRef, messages: [refTo(kind)] };
  return operations;
}

const unansweredNote = ({ request, seen }: Pair) =>
  seen + request.refused < request.count ? ", the others without a reply" : "";

function messageOf(kind: Kind, inferred: Inferred): object {
  const { correlation } = inferred.observer.classifier;
  const { format, side } = kind;
  if (format !== "json") {
    const contentType = format === "text" ? "text/plain" : "application/octet-stream";
    return { contentType, payload: { type: "string" } };
  }
  const pointer = side === "client" ? correlation?.request : correlation?.reply;
  const hasId = pointer !== undefined && kind.withId > 0;
  const examples = examplesOf(kind, inferred);
  return {
    ...(hasId && { correlationId: { location: `$message.payload#${pointer}` } }),
    payload: schemaOf(kind.shape, contextOf(kind, inferred)),
    ...(examples.length > 0 && { examples: examples.map((payload) => ({ payload })) }),
  };
}

function examplesOf(kind: Kind, { errors }: Inferred): unknown[] {
  const keep = new Set<unknown>([kind.tag?.value, ...(errors?.codes ?? []).map(({ code }) => code)]);
  return kind.examples
    .filter((example) => example !== undefined && JSON.stringify(example).length <= maxExampleLength)
    .map((example) => withoutSecrets(example, keep));
}

const leastForEnum = 30;

function contextOf(kind: Kind, inferred: Inferred): SchemaContext {
  const constants = new Map<string, unknown>(constantsOf(kind, inferred));
  if (kind.tag !== undefined) constants.set(kind.tag.pointer, kind.tag.value);
  const asked = valuesOfClients(inferred.kinds);
  return {
    constants,
    mayBeEnum(values) {
      if (kind.side === "client") return false;
      const total = [...values.values()].reduce((sum, count) => sum + count, 0);
      const isWord = ([value, count]: readonly [unknown, number]) =>
        typeof value === "string" && /^[A-Za-z][A-Za-z_-]{0,24}$/.test(value) && count >= 5 && !asked.has(value);
      return values.size >= 2 && values.size <= 8 && total >= leastForEnum && [...values].every(isWord);
    },
  };
}

/** First members or positions that hold one value in each kind of a side, such as the version of JSON-RPC or the 2 of an OCPP call. */
function constantsOf(kind: Kind, { kinds, observer }: Inferred): [string, unknown][] {
  const own = kinds.filter(({ side, format }) => side === kind.side && format === "json");
  if (own.length < 2 || kind.shape.count < 2 || observer.messages < 20) return [];
  return [...placesOf(kind.shape, 1)].flatMap(([pointer, place]): [string, unknown][] => {
    const only = onlyValue(place, kind.shape.count);
    if (only === undefined || pointer === "" || pointer === observer.classifier.correlation?.request) return [];
    const everywhere = own.every(({ shape }) => {
      const other = [...placesOf(shape, 1)].find(([at]) => at === pointer)?.[1];
      return other !== undefined && onlyValue(other, shape.count) !== undefined;
    });
    return everywhere ? [[pointer, only]] : [];
  });
}

function onlyValue(
  { values, count }: { readonly values: ReadonlyMap<unknown, number> | undefined; readonly count: number },
  all: number,
) {
  const only = values?.size === 1 && count === all ? [...values][0]! : undefined;
  return only !== undefined && only[1] === all && String(only[0]).length <= 16 ? only[0] : undefined;
}

const knownByClients = new WeakMap<readonly Kind[], Set<unknown>>();

/** Texts that clients sent: what comes back of them is nobody's enum. */
function valuesOfClients(kinds: readonly Kind[]): Set<unknown> {
  let known = knownByClients.get(kinds);
  if (known === undefined) {
    known = new Set();
    for (const { side, shape, tag } of kinds)
      if (side === "client")
        for (const [pointer, { values }] of placesOf(shape, 4))
          if (pointer !== tag?.pointer) for (const value of values?.keys() ?? []) known.add(value);
    knownByClients.set(kinds, known);
  }
  return known;
}

/** Members of requests whose few values come again on messages to others: rooms or topics, perhaps. */
export function roomCandidates({ kinds, observer, pairs }: Inferred): string[] {
  if (observer.connections.count < 2) return [];
  const replies = new Set(pairs.flatMap(({ replies }) => replies));
  const events = kinds.filter((kind) => kind.side === "server" && !replies.has(kind) && !kind.isError);
  const found = new Map<string, { requests: Set<string>; events: Set<string>; values: Set<unknown> }>();
  for (const kind of kinds.filter(({ side }) => side === "client"))
    for (const [pointer, { values, count }] of placesOf(kind.shape, 3)) {
      if (pointer === kind.tag?.pointer || values === undefined || values.size < 2 || values.size > count / 2) continue;
      if ([...values.keys()].some((value) => typeof value === "boolean" || value === "")) continue;
      for (const event of events)
        for (const [at, other] of placesOf(event.shape, 3)) {
          const last = (text: string) => text.slice(text.lastIndexOf("/") + 1);
          if (last(at) !== last(pointer) || at === event.tag?.pointer || other.values === undefined) continue;
          if (![...other.values.keys()].every((value) => values.has(value)) || other.values.size === 0) continue;
          const entry = found.get(pointer) ?? { requests: new Set(), events: new Set(), values: new Set() };
          found.set(pointer, entry);
          entry.requests.add(kind.name);
          entry.events.add(event.name);
          for (const value of values.keys()) entry.values.add(value);
        }
    }
  return [...found].map(
    ([pointer, { requests, events: seen, values }]) =>
      `room or topic, perhaps: ${pointer} of ${[...requests].join(", ")}; comes again in ${[...seen].join(", ")} (${many(values.size, "value")})`,
  );
}
