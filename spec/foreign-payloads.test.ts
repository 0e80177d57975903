// Payloads in Avro, with and without the optional package beside the document.
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv } from "ajv";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadContract } from "./load-contract.ts";

const avro = (schema: unknown, more: object = {}) => ({
  ...more,
  payload: { schemaFormat: "application/vnd.apache.avro;version=1.9.0", schema },
});
const order = {
  type: "record",
  name: "Order",
  fields: [
    { name: "id", type: "string" },
    { name: "amount", type: ["null", "int", "long"], default: null },
    { name: "kind", type: { type: "enum", name: "Kind", symbols: ["A", "B"] } },
    { name: "tags", type: { type: "map", values: "string" } },
  ],
};

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "wsproof-avro-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function load(messages: object) {
  const file = path.join(folder, "asyncapi.json");
  const document = {
    asyncapi: "3.0.0",
    info: { title: "t", version: "1" },
    servers: { s: { host: "localhost", protocol: "ws" } },
    channels: { c: { address: "/", messages } },
    operations: { o: { action: "receive", channel: { $ref: "#/channels/c" } } },
  };
  await writeFile(file, JSON.stringify(document));
  const { contract, findings } = await loadContract({ file });
  return { message: contract?.messages[0], findings };
}

it("without the package a payload accepts anything", async () => {
  const { message } = await load({ Order: avro(order) });
  expect(message).toMatchObject({ payload: true, format: "binary", contentType: "application/vnd.apache.avro" });
});

describe("with the package", () => {
  beforeAll(async () => {
    const scope = path.join(folder, "node_modules/@asyncapi");
    await mkdir(scope, { recursive: true });
    await symlink(
      fileURLToPath(new URL("../node_modules/avro-schema-parser", import.meta.url)),
      path.join(scope, "avro-schema-parser"),
    );
  });

  it("a payload that the document calls JSON is checked, unions too", async () => {
    const { message, findings } = await load({ Order: avro(order, { contentType: "application/json" }) });
    expect(findings).toEqual([]);
    const accepts = new Ajv({ strict: false }).compile(message!.payload as object);
    const value = { id: "1", amount: 5, kind: "A", tags: { a: "b" } };
    expect(accepts(value)).toBe(true);
    for (const wrong of [
      { ...value, id: 1 },
      { ...value, kind: "C" },
      { ...value, tags: { a: 1 } },
      { ...value, amount: "5" },
    ]) {
      expect(accepts(wrong), JSON.stringify(wrong)).toBe(false);
    }
  });

  it("a payload of another file is read", async () => {
    await writeFile(path.join(folder, "order.avsc"), JSON.stringify(order));
    const { message } = await load({ Order: avro({ $ref: "./order.avsc" }) });
    expect(message).toMatchObject({ format: "binary", payload: { type: "object", required: ["id", "kind", "tags"] } });
  });

  it("a schema that the package rejects is an error at its place", async () => {
    const { findings } = await load({ Order: avro({ type: "record", name: "Order" }) });
    expect(findings).toMatchObject([
      { severity: "error", id: "schema-unreadable", pointer: "#/channels/c/messages/Order/payload/schema" },
    ]);
  });
});
