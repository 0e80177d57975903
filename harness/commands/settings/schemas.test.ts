// The JSON Schemas that the package publishes: what they accept is what the program writes and reads.
import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import addFormats from "ajv-formats";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { verify } from "../../index.ts";
import { startReferenceProcess } from "../../testbed/reference-process.ts";
import { schemaOf } from "./check-values.ts";
import { configOptions } from "./config-file.ts";

const root = new URL("../../../", import.meta.url);
const read = (name: string) => readFileSync(new URL(name, root), "utf8");

/** Refuses members that the schema does not name, so that none can be forgotten in it. */
function closed(schema: unknown): unknown {
  if (typeof schema !== "object" || schema === null) return schema;
  if (Array.isArray(schema)) return schema.map(closed);
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  return "properties" in schema && !("additionalProperties" in schema) ? { ...inner, additionalProperties: false } : inner;
}

describe("the schema of", () => {
  it("wsproof.config.yaml is generated/config.schema.json (else: npm run generate:commands)", async () => {
    const schema = {
      $schema: "http://json-schema.org/draft-07/schema#",
      title: "wsproof.config.yaml",
      ...schemaOf(configOptions),
    };
    await expect(`${JSON.stringify(schema, undefined, 1)}\n`).toMatchFileSnapshot("../../../generated/config.schema.json");
    const validate = new Ajv({ strict: false }).compile(schema);
    expect(validate({ url: "ws://127.0.0.1/ws", verify: { runs: 5, only: ["handshake"] } })).toBe(true);
    expect(validate({ verify: { runs: "many" } })).toBe(false);
    expect(validate({ verifi: {} })).toBe(false);
  });

  it("a report names every member of a real one", async () => {
    const schema = closed(JSON.parse(read("harness/report/report.schema.json")));
    const validate = new Ajv({ strict: false }).compile(schema as object);
    const main = new URL("dist/reference/testing/test-server.js", root).pathname;
    const server = await startReferenceProcess({ path: "/ws", main, env: { FAULT: "repeats-credential" } });
    try {
      const report = await verify({
        ...{ url: server.url, auth: { secret: server.secret }, seed: 3 },
        only: ["handshake-credential-not-repeated", "handshake-credential-missing", "handshake-compression-usable"],
      });
      expect(report.rules.map(({ verdict }) => verdict)).toContain("fail");
      validate(JSON.parse(JSON.stringify(report)));
      expect(validate.errors).toBeNull();
    } finally {
      await server.stop();
    }
  }, 60_000);

  it.each(["chat-gorilla", "chat-aiohttp"])("a baseline accepts that of %s", (name) => {
    const validate = new Ajv().compile(JSON.parse(read("harness/conformance/baseline.schema.json")));
    expect(validate(parse(read(`spec/examples/chat/baseline-${name}.yaml`)))).toBe(true);
    expect(validate([{ id: "x" }])).toBe(false);
  });

  it("a document for editors knows AsyncAPI and the x- keys", () => {
    const ajv = addFormats.default(new Ajv({ strict: false, allErrors: true }));
    // As an editor does: each $ref is a path beside the schema.
    const editor = JSON.parse(read("spec/editor.schema.json"), (key, value) => {
      if (key !== "$ref") return value;
      const file = new URL(value, new URL("spec/", root)).pathname.slice(root.pathname.length);
      if (ajv.getSchema(file) === undefined) ajv.addSchema(JSON.parse(read(file)), file);
      return file;
    });
    const validate = ajv.compile(editor);
    const document = parse(read("spec/asyncapi.yaml"));
    validate(document);
    expect(validate.errors).toBeNull();
    expect(validate({ ...document, chanels: {} })).toBe(false);
    expect(validate({ ...document, "x-perspective": "nobody" })).toBe(false);
    expect(validate({ ...document, asyncapi: "3.1.0", chanels: {} })).toBe(false);
  });
});
