import { describe, expect, it } from "vitest";
import type { Contract, JsonSchema } from "./contract.ts";
import { defaultSpecFile, loadContract } from "./load-contract.ts";
import { eachSubschema } from "./schema-walk.ts";
import { bundle, createAjv, createValidators, reachedDefinitions } from "./schemas.ts";

const { contract: ours } = await loadContract({ file: defaultSpecFile });

function withPayload(payload: JsonSchema, base: Contract = ours!): Contract {
  return { ...base, messages: [{ ...base.messages[0]!, name: "m", payload }] };
}

/** The same without any x- key, so that it counts as foreign. */
function foreign(payload: JsonSchema): Contract {
  return withPayload(payload, {
    ...ours!,
    errors: undefined,
    state: { attributes: [], relations: [] },
    channels: [],
    operations: [],
  });
}

describe("a bundle", () => {
  it("holds what the schema reaches, through other definitions too, and nothing else", () => {
    const message = ours!.messages.find(({ name }) => name === "join_room")!;
    expect(reachedDefinitions(ours!, message.payload)).toEqual(["Id", "Room", "Epoch", "Seq", "Position"]);
    expect(Object.keys((bundle(ours!, message.payload) as { definitions: object }).definitions)).toHaveLength(5);
  });

  it("is the schema itself where nothing is referenced", () => {
    const schema = { type: "object" };
    expect(bundle(ours!, schema)).toBe(schema);
  });
});

describe("validators of our document", () => {
  const validators = createValidators(ours!);

  it("compile in strict mode", () => expect(validators.problems()).toEqual([]));

  it("accept every example", () => {
    for (const { name, examples } of ours!.messages) {
      expect(examples.length).toBeGreaterThan(0);
      for (const { payload } of examples) expect(validators.of(name)(payload)).toEqual([]);
    }
  });

  it("say where, which keyword and what", () => {
    expect(validators.of("chat")({ type: "chat", id: "c1", payload: { room: "lobby", content: "", more: 1 } })).toEqual([
      { pointer: "/payload", keyword: "additionalProperties", text: "must not have the property 'more'" },
      { pointer: "/payload/content", keyword: "minLength", text: "must NOT have fewer than 1 characters" },
    ]);
  });

  it("count code points, and refuse lone surrogates", () => {
    const chat = (content: string) => validators.of("chat")({ type: "chat", id: "c1", payload: { room: "lobby", content } });
    expect(chat("😀".repeat(1000))).toEqual([]);
    expect(chat("😀".repeat(1001))).toMatchObject([{ keyword: "maxLength" }]);
    expect(chat("\ud800")).toMatchObject([{ keyword: "pattern" }]);
  });
});

describe("members that every object inherits", () => {
  it.each(["toString", "valueOf", "constructor", "hasOwnProperty"])(
    "%s is a member as any other where values are compared",
    (name) => {
      const items = (first: unknown, second: unknown) => JSON.parse(JSON.stringify([{ [name]: first }, { [name]: second }]));
      const validate = createAjv(false).compile({ uniqueItems: true });
      expect([validate(items(1, 2)), validate(items(1, 1))]).toEqual([true, false]);
      expect(createAjv(false).compile({ const: { [name]: 1 } })(items(1, 1)[0])).toBe(true);
      expect(createAjv(false).compile({ enum: [{ [name]: 1 }] })(items(2, 1)[0])).toBe(false);
    },
  );
});

describe("schemas that are not as they should be", () => {
  it("work but are reported where strict mode refuses them", () => {
    const validators = createValidators(withPayload({ type: "object", requird: ["a"], properties: { a: { type: "string" } } }));
    expect(validators.problems()).toMatchObject([{ message: "m", kind: "not-strict", text: expect.stringContaining("requird") }]);
    expect(validators.of("m")({ a: 1 })).toHaveLength(1);
  });

  it("are not held to strict mode in a foreign document", () => {
    expect(createValidators(foreign({ type: "object", requird: ["a"] })).problems()).toEqual([]);
  });

  it("are not held to strict mode where only a binding describes the handshake", () => {
    const base = foreign({ type: "object", requird: ["a"] });
    const handshake = { ...ours!.channels[0]!.handshake!, pointer: "#/channels/c/bindings/ws" };
    const bound = {
      ...ours!.channels[0]!,
      handshake,
      heartbeat: undefined,
      limits: [],
      rateLimits: [],
      closeCodes: [],
      delivery: undefined,
    };
    expect(createValidators({ ...base, channels: [bound] }).problems()).toEqual([]);
  });

  it("fall back to old RegExp syntax", () => {
    const validators = createValidators(foreign({ type: "string", pattern: "^[\\w-.]+\\@x$" }));
    expect(validators.problems()).toMatchObject([{ kind: "not-unicode" }]);
    expect(validators.of("m")("a@x")).toEqual([]);
    expect(validators.of("m")("a")).toHaveLength(1);
  });

  it("accept everything where nothing helps, and say so", () => {
    const validators = createValidators(foreign({ type: "strin" }));
    expect(validators.problems()).toMatchObject([{ kind: "unusable", pointer: ours!.messages[0]!.pointer }]);
    expect(validators.of("m")(1)).toEqual([]);
  });

  it("may have formats that nobody checks, and x- keys", () => {
    const validators = createValidators(withPayload({ type: "string", format: "colour", "x-note": 1 }));
    expect(validators.problems()).toEqual([]);
  });
});

it("visits schemas and no data", () => {
  const seen: string[] = [];
  eachSubschema(
    {
      properties: { "a/b": { const: { type: "x" } }, items: { items: [{}, { enum: [{}] }] } },
      examples: [{ properties: { no: {} } }],
    },
    (_, pointer) => seen.push(pointer),
  );
  expect(seen).toEqual(["", "/properties/a~1b", "/properties/items", "/properties/items/items/0", "/properties/items/items/1"]);
});
