// A document and a server that are not ours: the public protocol graphql-transport-ws and the package graphql-ws. Each finding is explained.
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { useServer } from "graphql-ws/use/ws";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import { exitCode } from "../schema/errors.ts";

const require = createRequire(import.meta.url);
// As Node resolves it: the test runner would take the package's other build, and graphql wants to be one module only.
const { buildSchema } = require("graphql") as typeof import("graphql");
const folder = fileURLToPath(new URL("../../spec/examples/graphql-transport-ws/", import.meta.url));
const cli = fileURLToPath(new URL("../../dist/harness/cli.js", import.meta.url));

interface Result {
  readonly id: string;
  readonly level: string;
  readonly phase: string;
  readonly title: string;
  readonly verdict: string;
  readonly reason?: string;
  readonly failures: readonly { readonly expected: string; readonly actual: string }[];
}

/** Whose each finding is, and why. A finding without its line fails the test, and so does a line without its finding. */
const explained: Readonly<Record<string, string>> = {
  "examples-requirement-rejected-long":
    "Theirs. The reason of the close holds the id, a reason has at most 123 bytes (RFC 6455 section 5.5), and so `socket.close` throws: 4500 comes in place of 4409.",
  "boundaries-text-accepted": "Theirs: what `no-unexpected-close` tells of, by the first text that is no GraphQL.",
  "invalid-type-missing":
    "Theirs. `connection_ack` is a message of the server alone, so from a client it is of no type that the protocol lets it send, which is 4400 as we read it. The package parses it as one of the protocol and throws: 4500.",
  "no-unexpected-close":
    "Theirs. The text of `query` is no GraphQL, for which the protocol has the message `error`. The package's `parse` throws outside of what it catches, and the whole connection, with all its other operations, is closed with 4500.",
  "frames-opening-host-missing": "Theirs, of the package ws and Node: the upgrade does not look for the Host header.",
  "frames-opening-http-1-0": "Theirs, of the package ws and Node: the upgrade does not look at the version of HTTP.",
};

async function* ends() {
  yield { ends: "one" };
  yield { ends: "two" };
}

async function* stays() {
  yield { stays: "one" };
  await new Promise(() => undefined);
}

let server: WebSocketServer;
let reports: string;
let results: readonly Result[];
let code: number;

beforeAll(async () => {
  server = new WebSocketServer({ host: "127.0.0.1", port: 0, path: "/graphql" });
  const schema = buildSchema("type Query { hello: String } type Subscription { ends: String stays: String }");
  useServer({ schema, roots: { query: { hello: () => "world" }, subscription: { ends, stays } } }, server);
  await new Promise((resolve) => server.once("listening", resolve));
  reports = await mkdtemp(join(tmpdir(), "wsproof-"));
  const file = join(reports, "report.json");
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
  const command = [cli, "verify", url, "--spec", join(folder, "asyncapi.yaml"), "--seed", "1", "--json", file];
  // The server logs each error that a client makes; those are what the run is about.
  const silent = console.error;
  console.error = () => undefined;
  code = await new Promise((resolve) => {
    execFile(process.execPath, command, { maxBuffer: 2 ** 26 }, (error) => resolve(error === null ? 0 : Number(error.code)));
  });
  console.error = silent;
  results = JSON.parse(await readFile(file, "utf8")).rules;
}, 240_000);

afterAll(async () => {
  for (const socket of server.clients) socket.terminate();
  server.close();
  await rm(reports, { recursive: true });
});

const isFinding = ({ verdict }: Result) => ["fail", "warn", "not-testable", "inconclusive"].includes(verdict);

describe("graphql-ws, judged by the document of graphql-transport-ws", () => {
  it("has findings, each of which is explained, and no others", () => {
    expect(code).toBe(exitCode.findings);
    expect(results.filter(isFinding).map(({ id }) => id)).toEqual(Object.keys(explained));
  });

  it("keeps what makes the protocol", () => {
    const passed = results.filter(({ verdict }) => verdict === "pass").map(({ id }) => id);
    expect(passed).toEqual(
      expect.arrayContaining([
        "handshake-subprotocol-none-rejected",
        "examples-outcome",
        "examples-success",
        "examples-requirement-rejected",
        "invalid-not-json",
        "invalid-unknown-type",
        "invalid-keyword-rejected",
        "requirement-is-enforced",
        "malformed-is-rejected",
        "limits-first-message-in-time",
      ]),
    );
  });

  it("is written down in RESULT.md", () => expect(emitResult(results)).toMatchFileSnapshot(join(folder, "RESULT.md")));
});

function emitResult(all: readonly Result[]): string {
  const version = (name: string): string => require(`${name}/package.json`).version;
  const findings = all.filter(isFinding);
  const phases = [...new Set(all.map(({ phase }) => phase))];
  const list = (phase: string, verdict: string) =>
    all.filter((one) => one.phase === phase && one.verdict === verdict).map(({ id }) => `\`${id}\``);
  const kept = (phase: string) =>
    phase === "frames" ? "all that RFC 6455 asks for, but for the findings above" : list(phase, "pass").join(" ");
  return [
    "# graphql-ws, judged by this document",
    "",
    `The package graphql-ws ${version("graphql-ws")} on ws ${version("ws")}, with a schema of one query, a subscription that ends and one that stays.`,
    "Written by `npx vitest run harness/conformance/graphql-transport-ws.test.ts -u`, which runs",
    "",
    "```",
    "wsproof verify ws://127.0.0.1:PORT/graphql --spec spec/examples/graphql-transport-ws/asyncapi.yaml --seed 1 --json report.json",
    "```",
    "",
    "## Findings",
    "| rule | level | verdict | expected | got | whose |",
    "|---|---|---|---|---|---|",
    ...findings.map(({ id, level, verdict, reason, failures }) => {
      const [failure] = failures;
      const row = [
        id,
        level,
        verdict,
        masked(failure?.expected ?? reason ?? ""),
        masked(failure?.actual ?? ""),
        explained[id] ?? "",
      ];
      return `| ${row.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
    }),
    "",
    "## Kept",
    "| phase | rules |",
    "|---|---|",
    ...phases.flatMap((phase) => (list(phase, "pass").length === 0 ? [] : [`| ${phase} | ${kept(phase)} |`])),
    "",
    "Rules that are not here do not apply: the document promises no credentials, first message, rate or size limits, deliveries to others, or positions.",
    "",
  ].join("\n");
}

/** Names of the run's counter differ from run to run. */
function masked(text: string): string {
  return text.replaceAll(/"id":"[^"]*?\.\.\. \(\d+ characters\)/g, '"id":"(200 characters)", ...');
}
