// The pages of documents of many kinds in Chromium: axe finds nothing, and nothing is wider than a phone. Light and dark.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { defaultSpecFile, loadContract } from "../../../spec/load-contract.ts";
import { find } from "../../find-or-install.ts";
import { projectRoot } from "../../tracked-sources.ts";
import { emitHtml } from "./emit-html.ts";

const folder = mkdtempSync(path.join(tmpdir(), "wsproof-audit-"));
const axe = readFileSync(path.join(projectRoot, "node_modules/axe-core/axe.min.js"), "utf8");
let browser: Browser;

beforeAll(async () => {
  browser = await chromium.launch({
    executablePath: find("chromium")!,
    args: "--headless --no-sandbox --disable-gpu --disable-background-networking".split(" "),
  });
});
afterAll(async () => {
  await browser.close();
  rmSync(folder, { recursive: true });
});

/** Names and texts without a place to break, several channels with the same close codes, everything nested. */
function longDocument(): string {
  const long = "x".repeat(120);
  const deep = (depth: number): object =>
    depth === 0
      ? { type: ["string", "null"], pattern: `^${"[a-z]".repeat(40)}$` }
      : {
          type: "object",
          required: [long],
          properties: { [long]: deep(depth - 1), list: { type: "array", items: [deep(0), {}] } },
        };
  const message = {
    payload: { ...deep(6), additionalProperties: { enum: [long, `${long}y`] } },
    examples: [{ payload: { [long]: long } }],
  };
  const codes = [{ code: 4001, name: long.toUpperCase(), by: "server", reconnect: "stop", when: long }];
  const channel = (address: string) => ({
    address,
    description: `${long} \`${long}\`\n\n\`\`\`\n${long}${long}\n\`\`\``,
    messages: { [long]: { $ref: `#/components/messages/${long}` } },
    parameters: { [`p${long}`]: { enum: [long, "b"], description: long } },
    "x-close-codes": codes,
  });
  return stringify({
    asyncapi: "3.0.0",
    info: { title: long, version: "1.0.0", description: long },
    servers: { [long]: { host: `{${long}}.example:8080`, protocol: "ws", variables: { [long]: { default: long } } } },
    channels: { a: channel(`/${long}/{p${long}}`), b: channel(`/b/{p${long}}`) },
    operations: {
      [`send${long}`]: { action: "send", channel: { $ref: "#/channels/a" }, summary: long },
      [`take${long}`]: { action: "receive", channel: { $ref: "#/channels/b" }, summary: long },
    },
    components: { messages: { [long]: message } },
  });
}

async function pageOf(file: string): Promise<string> {
  const { contract, findings } = await loadContract({ file });
  expect(contract, JSON.stringify(findings.filter(({ blocking }) => blocking))).toBeDefined();
  const target = path.join(folder, `${path.basename(path.dirname(file))}-${path.basename(file)}.html`);
  writeFileSync(target, emitHtml(contract!));
  return pathToFileURL(target).href;
}

const corpus = path.join(projectRoot, "spec/fixtures/corpus");
/** Every tenth: the kinds repeat. */
const foreign = readdirSync(corpus)
  .filter((name) => /\.(?:yaml|json)$/.test(name))
  .filter((_, index) => index % 10 === 0)
  .map((name) => path.join(corpus, name));

describe("the page of", () => {
  const long = path.join(folder, "long.yaml");
  writeFileSync(long, longDocument());

  test.each([defaultSpecFile, long, ...foreign].map((file) => [path.relative(projectRoot, file), file]))(
    "%s",
    async (_, file) => {
      const url = await pageOf(file!);
      // The page's own policy would keep axe out.
      const context = await browser.newContext({ bypassCSP: true, viewport: { width: 390, height: 844 } });
      const page = await context.newPage();
      await page.goto(url);
      await page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true");
      const overflow = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
      expect(overflow, "wider than the screen").toBe(0);
      await page.setViewportSize({ width: 1280, height: 900 });
      await page.evaluate(axe);
      const violations = async (options: string) =>
        (await page.evaluate(
          `axe.run(document, ${options}).then(({ violations }) => violations.map(({ id, nodes }) => id + ": " + nodes.slice(0, 3).map(({ html }) => html.slice(0, 160)).join(" | ")))`,
        )) as string[];
      expect(await violations("{}"), "light").toEqual([]);
      await page.emulateMedia({ colorScheme: "dark" });
      expect(await violations('{ runOnly: ["color-contrast"] }'), "dark").toEqual([]);
      await context.close();
    },
  );
});
