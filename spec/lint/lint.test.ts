import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { defaultSpecFile } from "../load-contract.ts";
import { lint } from "./lint.ts";

const fixtures = new URL("../fixtures/", import.meta.url);
const base = readFileSync(new URL("base.yaml", fixtures), "utf8");
const broken = parse(readFileSync(new URL("broken.yaml", fixtures), "utf8")) as {
  mistake: string;
  replace: string;
  with: string;
  /** Further findings that the mistake brings, whatever their line. */
  elsewhere?: string[];
}[];

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "wsproof-lint-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, source: string): string {
  const file = path.join(folder, name);
  writeFileSync(file, source);
  return file;
}

const serious = async (file: string, options = {}) =>
  (await lint({ file, ...options })).findings.filter(({ severity }) => severity !== "info");

describe("documents without a mistake", () => {
  it.each([
    ["our own", defaultSpecFile],
    ["the example echo", new URL("../examples/echo/asyncapi.yaml", import.meta.url).pathname],
    ["the base of the broken ones", new URL("base.yaml", fixtures).pathname],
  ])("%s has no finding above info", async (_, file) => {
    expect(await serious(file)).toEqual([]);
  });
});

it.each([
  ["descriptions: x", "warning"],
  ["id: http://example.org/m", "warning"],
  ["minLenght: 3", "error"],
])("a slip in a keyword is an error only where it changes what is valid: %s", async (line, severity) => {
  const source = base.replace(/^(\s*)(payload:)$/m, (_, indent: string) => `${indent}payload:\n${indent}  ${line}`);
  expect(source).not.toBe(base);
  expect(await serious(write("slip.yaml", source))).toMatchObject([{ id: "keyword-unknown", severity }]);
});

it.each([
  [
    "asyncapi: 3.0.0\ninfo: { title: t, version: '1' }\nservers: { s: { url: a.b, protocol: ws } }\nchannels: { c: { publish: { message: { payload: {} } } } }\n",
    "url, publish",
  ],
  [
    "asyncapi: 2.6.0\ninfo: { title: t, version: '1' }\nchannels: { c: { address: /c, messages: { m: {} } } }\n",
    "address, messages",
  ],
])("a document of the other version is told so in one finding", async (source, keys) => {
  expect(await serious(write("version.yaml", source))).toMatchObject([
    { line: 1, id: "version-mismatch", actual: expect.stringContaining(keys) },
  ]);
});

it("a server alone does not make a document one of the other version", async () => {
  const source = "asyncapi: 2.6.0\ninfo: { title: t, version: '1' }\nservers: { s: { host: a.b, protocol: ws } }\nchannels: {}\n";
  const findings = await serious(write("server.yaml", source));
  expect(findings.map(({ id }) => id)).toContain("server-url-missing");
  expect(findings.map(({ line }) => line)).not.toContain(1);
});

it("an example that breaks its schema in many places is one finding", async () => {
  const document = {
    asyncapi: "3.0.0",
    info: { title: "t", version: "1" },
    servers: { s: { host: "a.b", protocol: "ws" } },
    channels: {
      c: { address: "/", messages: { m: { payload: { required: ["a", "b", "c", "d"] }, examples: [{ payload: {} }] } } },
    },
    operations: { o: { action: "receive", channel: { $ref: "#/channels/c" } } },
  };
  expect(await serious(write("many.json", JSON.stringify(document)))).toMatchObject([
    { id: "example-breaks-schema", actual: expect.stringMatching(/property 'a';.*property 'c'; and 1 more$/) },
  ]);
});

it("of a text that is no YAML in a hundred lines, the first few are named", async () => {
  const source = Array.from({ length: 100 }, (_, index) => `key: "${index}\n`).join("");
  const findings = await serious(write("text.yaml", source));
  expect(findings.length).toBeGreaterThan(0);
  expect(findings.length).toBeLessThan(6);
});

it("one mistake at the root is said once", async () => {
  const source = "asyncapi: 2.2.0\ninfo: { title: t, version: '1' }\nchannels: many\nUser: {}\n";
  const findings = await serious(write("root.yaml", source));
  expect(findings.map(({ line }) => line)).toEqual([3, 4]);
});

describe("documents with one mistake", () => {
  it.each(broken)("finds $mistake", async ({ mistake, replace, with: replacement, elsewhere = [] }) => {
    expect(base.split(replace)).toHaveLength(2);
    const source = base.replace(replace, () => replacement);
    const marks = source.split("\n").flatMap((line, index) => {
      const id = /# <- (\S+)/.exec(line)?.[1];
      return id === undefined ? [] : [{ id, line: index + 1 }];
    });
    const findings = await serious(write(`${mistake.replaceAll(/\W/g, "-")}.yaml`, source));
    for (const mark of marks) expect(findings).toContainEqual(expect.objectContaining(mark));
    expect(new Set(findings.map(({ id }) => id))).toEqual(new Set([...marks.map(({ id }) => id), ...elsewhere]));
    for (const { expected, actual, fix, column } of findings) {
      expect([expected, actual, fix].every((text) => text.length > 3)).toBe(true);
      expect(column).toBeGreaterThan(0);
    }
  });
});

describe("a remote reference", () => {
  /** Lints the document that `source` gives for a listening server's URL, and counts what reaches that server. */
  async function lintedBeside(source: (url: string) => string) {
    let connections = 0;
    const server = createServer((_, response) => response.end("type: object")).on("connection", () => {
      connections += 1;
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const findings = await serious(write("remote.yaml", source(`http://127.0.0.1:${port}/room.yaml`)));
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    return { findings, connections };
  }

  it("is refused without a connection", async () => {
    const { findings, connections } = await lintedBeside((url) => base.replace('"#/components/schemas/Room"', `"${url}"`));
    expect(findings).toMatchObject([{ severity: "error", blocking: true, id: "ref-remote" }]);
    expect(connections).toBe(0);
  });

  it("is not followed where it is only data", async () => {
    const { findings, connections } = await lintedBeside((url) =>
      base.replace("servers:\n", `x-note: { $ref: "${url}" }\nservers:\n`),
    );
    expect(findings).toEqual([]);
    expect(connections).toBe(0);
  });

  it("is refused in a file that the document refers to as well", async () => {
    write("rooms.yaml", "Room:\n  $ref: https://example.org/room.yaml\n");
    const source = base.replace('"#/components/schemas/Room"', '"./rooms.yaml#/Room"');
    const findings = await serious(write("in-file.yaml", source));
    expect(findings).toMatchObject([{ id: "ref-remote", line: 2, column: 3 }]);
    expect(path.basename(findings[0]!.file)).toBe("rooms.yaml");
  });
});

describe("findings", () => {
  it("come sorted by line, all at once", async () => {
    const source = base
      .replace("name: DEAD", "name: dead")
      .replace("fence: say", "fence: pong")
      .replace("first: welcome", "first: hello");
    const findings = await serious(write("three.yaml", source));
    const lines = findings.map(({ line }) => line);
    expect(findings).toHaveLength(3);
    expect(lines).toEqual([...lines].sort((a, b) => a - b));
  });

  it("suggest the name that was meant", async () => {
    const findings = await serious(write("slip.yaml", base.replace("first: welcome", "first: welcom")));
    expect(findings).toMatchObject([{ fix: "did you mean welcome?" }]);
  });
});
