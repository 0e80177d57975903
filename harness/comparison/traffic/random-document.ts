// Random documents: random messages, relations, requirements and deliveries, each with the x- keys that say what happens. Pure.
import fc from "fast-check";

type Json = unknown;

/** A member of a payload that carries no meaning. */
const field: fc.Arbitrary<Json> = fc.oneof(
  fc.record({ type: fc.constant("string"), minLength: fc.nat(3), maxLength: fc.integer({ min: 3, max: 40 }) }),
  fc.record({
    type: fc.constant("integer"),
    minimum: fc.integer({ min: -5, max: 5 }),
    maximum: fc.integer({ min: 6, max: 1_000 }),
  }),
  fc.constant({ type: "boolean" }),
  fc.constant({ type: ["string", "null"] }),
  fc.constant({ enum: ["red", "green", "blue"] }),
  fc.constant({ type: "array", maxItems: 3, items: { type: "integer" } }),
  fc.constant({ type: "object", additionalProperties: false, properties: { deep: { type: "number" } } }),
);

const fields = fc.dictionary(fc.constantFrom("a", "b", "c", "d"), fc.tuple(field, fc.boolean()), { maxKeys: 3 });
type Fields = Readonly<Record<string, readonly [Json, boolean]>>;

interface Plan {
  readonly tag: string;
  readonly hasFirst: boolean;
  readonly hasErrors: boolean;
  readonly position: boolean;
  readonly integerIds: boolean;
  readonly requests: readonly { readonly request: Fields; readonly reply: Fields }[];
  readonly rooms: boolean;
  readonly includesSender: boolean;
  readonly byPosition: boolean;
  readonly httpPath: string;
}

const plan: fc.Arbitrary<Plan> = fc.record({
  tag: fc.constantFrom("type", "kind", "op"),
  hasFirst: fc.boolean(),
  hasErrors: fc.boolean(),
  position: fc.boolean(),
  integerIds: fc.boolean(),
  requests: fc.array(fc.record({ request: fields, reply: fields }), { minLength: 1, maxLength: 3 }),
  rooms: fc.boolean(),
  includesSender: fc.boolean(),
  byPosition: fc.boolean(),
  httpPath: fc.constantFrom("/", "/ws", "/a/b"),
});

/** An AsyncAPI document. */
export const randomDocument: fc.Arbitrary<Readonly<Record<string, Json>>> = plan.map(documentOf);

function documentOf({ tag, hasFirst, hasErrors, requests, rooms, includesSender, byPosition, integerIds, httpPath }: Plan) {
  const id = integerIds ? { type: "integer", minimum: 0, maximum: 2 ** 31 - 1 } : { type: "string", minLength: 1, maxLength: 64 };
  const messages: Record<string, Json> = {};
  const operations: Record<string, Json> = {};
  const at = (name: string) => ({ $ref: `#/channels/main/messages/${name}` });
  const channel = { $ref: "#/channels/main" };
  const message = (name: string, members: Fields, more: Readonly<Record<string, Json>> = {}, correlation?: string) => {
    const own = Object.entries(members).map(([key, [schema]]) => [key, schema] as const);
    messages[name] = {
      summary: `The message ${name}`,
      ...(correlation === undefined ? {} : { correlationId: { location: `$message.payload#/${correlation}` } }),
      payload: {
        type: "object",
        required: [tag, ...Object.keys(more), ...Object.entries(members).flatMap(([key, [, needed]]) => (needed ? [key] : []))],
        properties: { [tag]: { const: name }, ...more, ...Object.fromEntries(own) },
      },
    };
  };
  const reply = (name: string) => ({ channel, messages: [at(name), ...(hasErrors ? [at("error")] : [])] });
  const operation = (name: string, answer: string | undefined, more: Readonly<Record<string, Json>>) => {
    operations[name] = {
      ...{ action: "receive", channel, summary: `Asks for ${name}`, messages: [at(name)] },
      ...(answer === undefined ? {} : { reply: reply(answer) }),
      ...{ "x-requires": [], ...more },
    };
  };
  for (const [index, { request, reply: answer }] of requests.entries()) {
    message(`ask${index}`, request, { id }, "id");
    message(`told${index}`, answer, { re: id }, "re");
    operation(`ask${index}`, `told${index}`, { "x-effects": [{ reply: `told${index}` }] });
  }
  const room = { type: "string", minLength: 1, maxLength: 64 };
  const sends: string[] = [];
  if (hasFirst || rooms) {
    message("hello", {}, { you: { type: "string", minLength: 1 } });
    sends.push("hello");
  }
  if (hasErrors) {
    message(
      "error",
      { re: [id, false] },
      { code: { enum: ["BAD_JSON", "BAD_MESSAGE", "BAD_TYPE", ...(rooms ? ["NOT_IN"] : [])] } },
      "re",
    );
    sends.push("error");
  }
  const position = byPosition ? { epoch: { type: "string" }, seq: { type: "integer" } } : {};
  if (rooms) {
    for (const [name, answer] of [
      ["join", "joined"],
      ["leave", "left"],
      ["say", "said"],
    ] as const) {
      message(
        name,
        {},
        { id, room, ...(name === "say" ? { text: { type: "string", minLength: 1, maxLength: 100 } } : {}) },
        "id",
      );
      message(answer, {}, { re: id, room, ...(name === "say" ? position : {}) }, "re");
    }
    message("heard", {}, { room, from: { type: "string" }, text: { type: "string" }, ...position });
    sends.push("heard");
    const where = { room: "$message.payload#/room" };
    const bound = { "/room": "$message.payload#/room" };
    operation("join", "joined", {
      "x-effects": [
        { add: "member", where },
        { reply: "joined", with: bound },
      ],
    });
    operation("leave", "left", {
      "x-effects": [
        { remove: "member", where },
        { reply: "left", with: bound },
      ],
    });
    operation("say", "said", {
      "x-requires": hasErrors ? [{ relation: "member", where, else: "NOT_IN" }] : [],
      "x-effects": [
        { reply: "said", with: bound },
        {
          ...{ deliver: "heard", to: { relation: "member", where }, sender: includesSender ? "included" : "excluded" },
          with: { ...bound, "/from": "$sender.clientId", "/text": "$message.payload#/text" },
        },
      ],
    });
  }
  if (sends.length > 0) operations.tell = { action: "send", channel, summary: "Tells", messages: sends.map(at) };
  const code = (name: string, when: string) => ({ code: name, when, description: `The error ${name}.` });
  const stream = {
    ...{ description: "What is said.", messages: ["heard"], order: byPosition ? "total" : "sender" },
    ...(byPosition ? { replies: ["said"], key: "/room", epoch: "/epoch", seq: "/seq" } : {}),
  };
  return {
    asyncapi: "3.0.0",
    info: { title: "random", version: "1.0.0", description: "A random contract." },
    servers: { local: { host: "localhost:9000", protocol: "ws", description: "A server." } },
    ...(hasFirst || rooms
      ? {
          "x-state": {
            connection: { clientId: { description: "Names one connection.", at: "/you", unique: true } },
            ...(rooms
              ? {
                  relations: {
                    member: {
                      description: "Is in the room.",
                      columns: ["connection", "room"],
                      onDisconnect: [{ remove: "member" }],
                    },
                  },
                }
              : {}),
          },
        }
      : {}),
    ...(hasErrors
      ? {
          "x-errors": {
            reply: { message: "error", code: "/code" },
            codes: [
              code("BAD_JSON", "not-json"),
              code("BAD_MESSAGE", "not-in-schema"),
              code("BAD_TYPE", "unknown-type"),
              ...(rooms ? [code("NOT_IN", "required")] : []),
            ],
          },
        }
      : {}),
    channels: {
      main: {
        address: httpPath,
        description: "One WebSocket connection.",
        servers: [{ $ref: "#/servers/local" }],
        messages: Object.fromEntries(Object.keys(messages).map((name) => [name, { $ref: `#/components/messages/${name}` }])),
        ...(hasFirst || rooms ? { "x-handshake": { first: "hello", refusals: [{ when: "path-unknown", http: 404 }] } } : {}),
        "x-close-codes": [{ code: 1000, name: "NORMAL", by: "either", reconnect: "stop", when: "Either side is done." }],
        "x-delivery": { fence: "ask0", streams: rooms ? { heard: stream } : {} },
      },
    },
    operations,
    components: { messages },
  };
}
