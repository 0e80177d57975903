// References where names stand: other tools follow them, so that documents are written so.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, it } from "vitest";
import { loadContract } from "./load-contract.ts";

const folder = mkdtempSync(path.join(tmpdir(), "wsproof-references-"));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, source: string): string {
  writeFileSync(path.join(folder, name), source);
  return path.join(folder, name);
}

const document = (channels: string) => `asyncapi: 3.0.0
info: { title: Names by reference, version: "1" }
channels: ${channels}
operations: { o: { action: send, channel: { $ref: "#/channels/c" } } }
`;

it("reads the names of channels and of properties from other files, and names each such place", async () => {
  write(
    "channels.yaml",
    "c: { address: /c, messages: { m: { payload: { required: [a], properties: { $ref: properties.yaml } } } } }",
  );
  write("properties.yaml", 'a: { type: string }\nproperties: { $ref: "#/a" }\n');
  const { contract, findings } = await loadContract({ file: write("a.yaml", document("{ $ref: channels.yaml }")) });
  expect(findings.map(({ id, pointer }) => [id, pointer])).toEqual([
    ["ref-in-place-of-names", "#/channels/$ref"],
    ["ref-in-place-of-names", "#/channels/c/messages/m/payload/properties/$ref"],
  ]);
  const [message] = contract!.messages;
  expect(Object.keys((message!.payload as { properties: object }).properties)).toEqual(["a", "properties"]);
});

it("ends where the names lead back to themselves", async () => {
  write("loop.yaml", "a: { properties: { $ref: loop.yaml } }");
  const payload = "{ c: { messages: { m: { payload: { properties: { $ref: loop.yaml } } } } } }";
  const { contract } = await loadContract({ file: write("b.yaml", document(payload)) });
  expect(contract!.messages).toHaveLength(1);
});

it("blocks at names that lead nowhere", async () => {
  const payload = "{ c: { messages: { m: { payload: { properties: { $ref: nowhere.yaml } } } } } }";
  const { contract, findings } = await loadContract({ file: write("c.yaml", document(payload)) });
  expect(contract).toBeUndefined();
  expect(findings).toMatchObject([{ id: "ref-unresolved", line: 3 }]);
});

it("reads a file of Protobuf as text", async () => {
  write("m.proto", 'syntax = "proto3";\nmessage M {\n  string a = 1; // b: c\n}\n');
  const payload = "{ schemaFormat: application/vnd.google.protobuf;version=3, schema: { $ref: m.proto } }";
  const { contract, findings } = await loadContract({
    file: write("d.yaml", document(`{ c: { messages: { m: { payload: ${payload} } } } }`)),
  });
  expect(findings).toEqual([]);
  expect(contract!.messages).toMatchObject([{ payload: true, format: "binary" }]);
});
