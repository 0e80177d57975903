// Documents with values that the meta-schema rejects: lint names them, and `verify --list` lists or refuses, but never throws raw.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import picocolors from "picocolors";
import { afterAll, expect, it } from "vitest";
import { lint } from "../../spec/lint/lint.ts";
import { loadEndpoints } from "../conformance/load-contract-under-test.ts";
import { phases } from "../conformance/rules.ts";
import { UsageError } from "../schema/errors.ts";
import { emitList } from "./rule-list.ts";

const folder = mkdtempSync(path.join(tmpdir(), "wsproof-malformed-"));
afterAll(() => rmSync(folder, { recursive: true }));

const withSchema = (schema: string) => `asyncapi: 3.0.0
info: { title: Rooms, version: "1" }
channels:
  talk: { address: /talk, messages: { say: { payload: ${schema} } } }
operations:
  say: { action: receive, channel: { $ref: "#/channels/talk" }, messages: [{ $ref: "#/channels/talk/messages/say" }] }
`;
const withChannel = (channel: string) => `asyncapi: 2.6.0
info: { title: Rooms, version: "1" }
channels:
  /talk: ${channel}
`;

it.each([
  withSchema("{ type: object, required: { id: true } }"),
  withSchema("{ type: object, required: [1] }"),
  withSchema("{ type: object, properties: 5 }"),
  withSchema("{ type: object, properties: { id: { enum: 5 } } }"),
  withSchema("{ type: object, properties: { id: { pattern: { a: 1 }, maxLength: [] } } }"),
  withSchema("{ allOf: { a: 1 } }"),
  withSchema("{ type: 7 }"),
  withSchema("5"),
  withChannel("{ publish: { message: null } }"),
  withChannel("{ publish: { message: { oneOf: [null] } } }"),
  withChannel("{ publish: null }"),
  withChannel("null"),
])("%s", async (source) => {
  const spec = path.join(folder, "asyncapi.yaml");
  writeFileSync(spec, source);
  const { findings } = await lint({ file: spec });
  expect(findings.filter(({ severity }) => severity === "error")).not.toEqual([]);
  const asked = { spec, perspective: undefined, overlay: undefined, server: undefined, variables: undefined, urls: [] };
  const rules = phases.flatMap((phase) => phase.rules);
  const listed = await loadEndpoints(asked).then(
    (endpoints) => emitList(rules, endpoints, picocolors.createColors(false)),
    (error: unknown) => error,
  );
  if (typeof listed !== "string") expect(listed).toBeInstanceOf(UsageError);
});
