// What the official parser rejects, lint rejects too, at the line of the mistake.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Parser } from "@asyncapi/parser";
import { afterAll, describe, expect, it } from "vitest";
import { lint } from "./lint.ts";

const folder = mkdtempSync(path.join(tmpdir(), "wsproof-structure-"));
afterAll(() => rmSync(folder, { recursive: true }));

const version3 = `asyncapi: 3.0.0
info: { title: Rooms, version: "1" }
servers:
  main: { host: "localhost:{port}", protocol: ws, variables: { port: { default: "1" } } }
channels:
  talk:
    address: /talk
    servers: [{ $ref: "#/servers/main" }]
    bindings: { ws: { method: GET, query: { type: object, properties: { v: { const: "1" } } } } }
    messages: { say: { $ref: "#/components/messages/say" } }
operations:
  say:
    action: receive
    channel: { $ref: "#/channels/talk" }
    messages: [{ $ref: "#/channels/talk/messages/say" }]
components:
  messages:
    say:
      summary: A line.
      correlationId: { location: $message.payload#/id }
      payload: { type: object, properties: { id: { type: string, maxLength: 3 } } }
      examples: [{ payload: { id: a } }]
  securitySchemes:
    bearer: { type: http, scheme: bearer }
    key: { type: httpApiKey, name: key, in: query }
    login: { type: oauth2, flows: { clientCredentials: { tokenUrl: "https://example.org/t", availableScopes: { a: b } } } }
`;

const version2 = `asyncapi: 2.6.0
info: { title: Rooms, version: "1" }
servers:
  main: { url: "localhost:{port}", protocol: ws, variables: { port: { default: "1" } } }
channels:
  /talk:
    servers: [main]
    publish: { operationId: say, message: { $ref: "#/components/messages/say" } }
    subscribe: { operationId: said, message: { oneOf: [{ $ref: "#/components/messages/say" }] } }
components:
  messages:
    say:
      summary: A line.
      payload: { type: object, properties: { id: { type: string, maxLength: 3 } } }
`;

/** Where each mistake is, what stands there, and what takes its place. */
const mistakes: readonly (readonly [string, string, string, string])[] = [
  ["a server without a host", version3, 'host: "localhost:{port}", ', ""],
  ["a server without a protocol", version3, "protocol: ws, ", ""],
  ["a host that is a number", version3, '"localhost:{port}"', "7"],
  ["a key that servers do not have", version3, "protocol: ws,", "protocol: ws, url: a,"],
  ["channels that are a list", version3, "channels:\n  talk:", "channels:\n - talk:"],
  ["an operation without an action", version3, "    action: receive\n", ""],
  ["a summary that is a list", version3, "summary: A line.", "summary: [A line.]"],
  ["an example without payload and headers", version3, "payload: { id: a }", "value: { id: a }"],
  ["a correlation elsewhere than in the message", version3, "$message.payload#/id", "$request.body#/id"],
  ["a security scheme of no type", version3, "type: http, scheme: bearer", "scheme: bearer"],
  ["a security scheme of an unknown type", version3, "type: http,", "type: https,"],
  ["a key without a name", version3, "name: key, ", ""],
  ["a key at an unknown place", version3, "in: query", "in: body"],
  ["an OAuth flow without its scopes", version3, ", availableScopes: { a: b }", ""],
  ["a method that opens no connection", version3, "method: GET", "method: PUT"],
  ["a maxLength that is a text", version3, "maxLength: 3", "maxLength: three"],
  ["a type of no schema", version3, "id: { type: string", "id: { type: text"],
  ["a server elsewhere than in the document", version3, "#/servers/main", "#/components/servers/main"],
  ["no title", version3, "title: Rooms, ", ""],
  ["an operation past its channel", version3, "#/channels/talk/messages/say", "#/components/messages/say"],
  ["a key of version 3 in version 2", version2, "    servers: [main]", "    address: /talk"],
  ["a server that is not declared", version2, "[main]", "[other]"],
  ["two operations of one id", version2, "operationId: said", "operationId: say"],
  ["a variable that is not declared", version2, "localhost:{port}", "localhost:{port}/{room}"],
  ["a variable that the url does not have", version2, "{ port: {", "{ room: { default: a }, port: {"],
  ["a message with the examples of version 3", version2, "summary: A line.", "examples: [{ value: 1 }]"],
  ["a message that is a text", version2, 'message: { $ref: "#/components/messages/say" }', "message: say"],
  ["no version of the interface", version2, ', version: "1" }', " }"],
];

const rejectedOfficially = async (file: string) =>
  (await new Parser().validate(readFileSync(file, "utf8"), { source: file })).some(
    ({ severity, code }) => severity === 0 && !covered.test(String(code)),
  );

/** Values against their schemas: lint judges these by itself, with the value. */
const covered = /^asyncapi2-(message-examples|schema)/;

const errorsOf = async (file: string) => (await lint({ file })).findings.filter(({ severity }) => severity === "error");

function write(name: string, source: string): string {
  const file = path.join(folder, `${name.replaceAll(/\W/g, "-")}.yaml`);
  writeFileSync(file, source);
  return file;
}

describe("a document that the official parser rejects has an error", () => {
  it.each(mistakes)("%s", async (name, source, there, instead) => {
    expect(source.split(there).length).toBeGreaterThan(1);
    const file = write(
      name,
      source.replace(there, () => instead),
    );
    expect(await rejectedOfficially(file)).toBe(true);
    const errors = await errorsOf(file);
    expect(errors.length).toBeGreaterThan(0);
    const last = source.slice(0, source.indexOf(there)).split("\n").length;
    expect(errors.some(({ line }) => Math.abs(line - last) <= 2)).toBe(true);
  });
});

it.each([
  ["3.0.0", version3],
  ["2.6.0", version2],
])("the document of version %s that these are made of has no error", async (version, source) => {
  expect(await errorsOf(write(version, source))).toEqual([]);
});
