// The pages of documents of many kinds in Chromium: axe finds nothing, and nothing is wider than a phone. Light and dark.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { defaultSpecFile, loadContract } from "../../../spec/load-contract.ts";
import { auditPage, launchChromium } from "../../audit-page.ts";
import { projectRoot } from "../../tracked-sources.ts";
import { emitHtml } from "./emit-html.ts";

const folder = mkdtempSync(path.join(tmpdir(), "wsproof-audit-"));
let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
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
  const changelog = `## ${"x".repeat(120)}\n\n- one\n\n## 1.0.0\n\nThe first.`;
  writeFileSync(
    target,
    emitHtml(contract!, { document: { name: path.basename(file), text: readFileSync(file, "utf8") }, changelog }),
  );
  return pathToFileURL(target).href;
}

const corpus = path.join(projectRoot, "spec/fixtures/corpus");
/** Every twentieth: the kinds repeat. */
const foreign = readdirSync(corpus)
  .filter((name) => /\.(?:yaml|json)$/.test(name))
  .filter((_, index) => index % 20 === 0)
  .map((name) => path.join(corpus, name));

describe("the page of", () => {
  const long = path.join(folder, "long.yaml");
  writeFileSync(long, longDocument());

  test.each([defaultSpecFile, long, ...foreign].map((file) => [path.relative(projectRoot, file), file]))(
    "%s",
    async (name, file) => {
      const url = await pageOf(file!);
      if (process.env.SCREENSHOTS !== undefined) await photograph(name!, url, process.env.SCREENSHOTS);
      expect(await auditPage(browser, url)).toEqual([]);
    },
  );
});

/** For a look by eye: SCREENSHOTS=FOLDER. */
async function photograph(name: string, url: string, target: string): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const)
    for (const width of [390, 1280]) {
      const page = await browser.newPage({ viewport: { width, height: 1400 }, colorScheme });
      await page.goto(url);
      if (await page.locator("form.console").first().isVisible())
        await page.locator("form.console").first().scrollIntoViewIfNeeded();
      await page.screenshot({ path: path.join(target, `${name}-${colorScheme}-${width}.png`.replaceAll(/[ ,/]+/g, "-")) });
      await page.close();
    }
}
