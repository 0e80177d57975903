// The page is whole, names everything, asks for nothing, and no text of a document breaks out of its place.
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import type { Contract } from "../../../spec/contract.ts";
import { defaultSpecFile, loadContract } from "../../../spec/load-contract.ts";
import { emitHtml } from "./emit-html.ts";
import { blocksHtml } from "./markup.ts";

const contract = (await loadContract({ file: defaultSpecFile })).contract!;
const page = emitHtml(contract);

test("has a place for every message, operation, error and close code, and no link leads nowhere", () => {
  const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id!);
  const channel = contract.channels[0]!;
  const wanted = [
    ...contract.messages.map(({ name }) => `message-${name}`),
    ...contract.operations.map(({ id }) => `operation-${id}`),
    ...contract.errors!.codes.map(({ code }) => `error-${code}`),
    ...channel.closeCodes.map(({ code }) => `close-${code}`),
  ];
  expect(wanted.filter((id) => !ids.includes(id))).toEqual([]);
  expect(new Set(ids).size).toBe(ids.length);
  const targets = [...page.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id!);
  expect(targets.length).toBeGreaterThan(100);
  expect(targets.filter((id) => !ids.includes(id))).toEqual([]);
});

test.each(["devtools", "ocpp"])("has no id twice where one error code of %s stands for several causes", async (name) => {
  const file = `spec/examples/${name}/asyncapi.yaml`;
  const ids = [...emitHtml((await loadContract({ file })).contract!).matchAll(/ id="([^"]+)"/g)].map(([, id]) => id!);
  expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
});

test("holds one style and one script, each with its hash in the policy, and loads nothing", () => {
  const policy = /Content-Security-Policy" content="([^"]+)"/.exec(page)![1]!;
  for (const tag of ["style", "script"]) {
    const bodies = [...page.matchAll(new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`, "g"))].map(([, body]) => body!);
    expect(bodies).toHaveLength(1);
    expect(policy).toContain(`'sha256-${createHash("sha256").update(bodies[0]!).digest("base64")}'`);
  }
  expect(policy.split("; ").filter((directive) => !directive.includes("sha256"))).toEqual([
    ...["default-src 'none'", "connect-src ws: wss:", "base-uri 'none'", "form-action 'none'"],
  ]);
  expect(page).not.toMatch(/\ssrc=|<link|@import|[\s:]url\(|\sstyle="|\son\w+="/);
});

test("running text may hold lists and code, and nothing that acts", () => {
  expect(blocksHtml("One\ntwo\n\n- a\n- `b`\n1. c\n```sh\n<x> **y**\n```\n# End")).toBe(
    "<p>One two</p>\n<ul><li>a</li><li><code>b</code></li></ul>\n<ol><li>c</li></ol>\n" +
      '<pre tabindex="0"><code>&lt;x&gt; **y**</code></pre>\n<p>End</p>',
  );
  expect(blocksHtml("[a](https://x.example) [b](javascript:alert)")).toBe(
    '<p><a href="https://x.example" rel="noreferrer">a</a> [b](javascript:alert)</p>',
  );
});

const hostile = `x"><script>alert(1)</script><img src=x onerror="alert(1)">' & --> </style> [a](javascript:alert(1))`;

test("a document whose every text and name is hostile gives the same elements", () => {
  const poisoned = JSON.parse(
    JSON.stringify(contract, (_, value) => (value instanceof Map ? { __map: [...value] } : value)),
    (key, value) => {
      if (value?.__map !== undefined) return new Map(value.__map);
      const words = ["description", "summary", "title", "version", "address", "prefix", "host"];
      return words.includes(key) && typeof value === "string" && value !== "" ? hostile : value;
    },
  ) as Contract;
  const elements = (html: string) =>
    [...html.matchAll(/<\/?(script|style|img|section|figure|table|svg|iframe)\b/g)].map(([tag]) => tag);
  const document = { name: hostile, text: `${hostile}</pre></details>` };
  const changelog = `## ${hostile}\n\n- ${hostile}`;
  const written = emitHtml(poisoned, { document, changelog });
  const harmless = emitHtml(contract, { document: { name: "x.yaml", text: "asyncapi: 3.0.0" }, changelog: "## 1.0.0\n\n- one" });
  expect(elements(written)).toEqual(elements(harmless));
  expect(written).not.toMatch(/<[^>"]*\son\w+=|href="javascript/);
});

test("a document that says little is told so", async () => {
  const bare: Contract = {
    ...contract,
    errors: undefined,
    state: { attributes: [], relations: [] },
    channels: contract.channels.slice(0, 1).map((channel) => ({
      ...channel,
      ...{ handshake: undefined, heartbeat: undefined, delivery: undefined, limits: [], rateLimits: [], closeCodes: [] },
    })),
    operations: contract.operations
      .filter(({ channel }) => channel === contract.channels[0]!.id)
      .map((operation) => ({ ...operation, requires: [], effects: [], effectsKnown: false })),
  };
  expect(emitHtml(bare)).toContain("Not specified by the document: how the handshake is refused");
});
