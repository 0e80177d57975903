// The demo page and the documentation in a real browser, served by the reference server.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { testSecret, testToken } from "./testing/in-process-server.ts";
import { TestRedis } from "./testing/test-redis.ts";

const mainFile = fileURLToPath(new URL("../dist/reference/main.js", import.meta.url));
const executablePath = [...(process.env.PATH ?? "").split(delimiter), "/usr/bin"]
  .map((folder) => join(folder, "chromium"))
  .find((path) => existsSync(path));
const flags =
  "--headless --no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync --no-first-run";

interface Node {
  readonly process: ChildProcess;
  readonly port: number;
}
const running = new Set<ChildProcess>();
async function start(env: Readonly<Record<string, string>> = {}, args: readonly string[] = ["--dev"]): Promise<Node> {
  const child = spawn(process.execPath, [mainFile, ...args], {
    env: { PATH: process.env.PATH, PORT: "0", JWT_SECRET: testSecret, LOG_LEVEL: "silent", ...env },
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  running.add(child);
  const [message] = await once(child, "message");
  return { process: child, port: message.listening.port };
}
async function kill({ process }: Node): Promise<void> {
  running.delete(process);
  const exit = once(process, "exit");
  process.kill("SIGKILL");
  await exit;
}

let browser: Browser;
let redis: TestRedis;
let here: Node;
let there: Node;
beforeAll(async () => {
  browser = await chromium.launch({ executablePath: executablePath!, args: flags.split(" ") });
  redis = await TestRedis.start();
  [here, there] = await Promise.all([start({ REDIS_URL: redis.url }), start({ REDIS_URL: redis.url })]);
});
afterAll(async () => {
  await browser?.close();
  for (const one of running) one.kill("SIGKILL");
  await redis?.stop();
});

/** Warnings and errors that the browser logged during this test. */
const consoleErrors: string[] = [];
afterEach(() => {
  consoleErrors.length = 0;
});

async function openPage(url: string, options: Parameters<Browser["newContext"]>[0] = {}): Promise<Page> {
  const page = await (await browser.newContext(options)).newPage();
  page.setDefaultTimeout(30_000);
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") consoleErrors.push(message.text());
  });
  page.on("pageerror", (error) => consoleErrors.push(`${error}`));
  await page.goto(url);
  return page;
}

async function enter({ port }: Node, name: string, room: string, options = {}): Promise<Page> {
  const page = await openPage(`http://127.0.0.1:${port}/`, options);
  await page.getByLabel("Your name").fill(name);
  await page.keyboard.press("Enter");
  await hasState(page, "connected");
  await page.getByLabel("Room to join").fill(room);
  await page.keyboard.press("Enter");
  await page.locator("#people").getByText("(you)").waitFor();
  return page;
}

const hasState = (page: Page, state: string) => page.locator(`html[data-state="${state}"]`).waitFor();
async function say(page: Page, text: string): Promise<void> {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.keyboard.press("Enter");
}
const said = (page: Page, text: string) => page.locator("#messages .said span").getByText(text, { exact: true }).waitFor();
const done = async (...pages: Page[]) => {
  for (const page of pages) await page.context().close();
};

const immediateTriggers = [
  "INVALID_JSON",
  "INVALID_MESSAGE",
  "UNKNOWN_TYPE",
  "TOKEN_INVALID",
  "TOKEN_MISMATCH",
  "FORBIDDEN",
  "NOT_IN_ROOM",
  "RECIPIENT_NOT_FOUND",
  "RATE_LIMITED",
  "1000 NORMAL",
  "4401 UNAUTHENTICATED",
  "4403 FORBIDDEN",
  "4406 SUBPROTOCOL_NOT_ACCEPTABLE",
  "4430 TOO_MANY_CONNECTIONS",
  "1003 UNSUPPORTED_DATA",
  "1009 MESSAGE_TOO_BIG",
  "4400 BAD_REQUEST",
  "4429 RATE_LIMITED",
];
/** With the document's limits these take 16 s and 27 s. */
const slowTriggers = ["TOO_MANY_ROOMS", "4410 TOKEN_EXPIRED"];

const isInView = (page: Page, selector: string) =>
  page.locator(selector).evaluate((element) => {
    const { top, bottom } = element.getBoundingClientRect();
    const box = element.closest(".card")!.getBoundingClientRect();
    return top >= box.top && bottom <= box.bottom;
  });

/** Clicks the button, waits for its outcome, and checks that a second connection is closed again. */
async function trigger(node: Node, name: string): Promise<void> {
  const page = await enter(node, `Tester ${name}`, `test-${name.replaceAll(/\W/g, "-")}`);
  const button = page.getByRole("button", { name, exact: true });
  await button.click();
  await page
    .locator("#outcome")
    .getByText(/\d/.test(name) ? `closed with ${name}` : `error ${name}:`)
    .waitFor();
  await button.and(page.locator(".seen")).waitFor();
  expect(await isInView(page, "#outcome")).toBe(true);
  const frames = page.locator("#frames");
  if ((await frames.getByText("2nd ←").count()) > 0) await frames.getByText("2nd ×").first().waitFor();
  await done(page);
}

describe("the demo page", () => {
  test("shows members, typing, messages and direct messages across two nodes", async () => {
    const ada = await enter(here, "Ada", "hall");
    const bob = await enter(there, "Bob", "hall");
    await ada.locator("#people").getByText("Bob").waitFor();
    await bob.getByLabel("Message", { exact: true }).pressSequentially("he");
    await ada.getByText("Bob is typing…").waitFor();
    await say(bob, "hello Ada");
    await said(ada, "hello Ada");
    await bob.locator("#messages .mine").getByText("hello Ada").waitFor();
    await ada.locator("#people").getByRole("button", { name: "Bob" }).click();
    await say(ada, "only for you");
    await bob.getByRole("button", { name: "Ada 1 new" }).click();
    await said(bob, "only for you");
    await ada.getByLabel("Message", { exact: true }).fill("to all of you");
    await ada.getByRole("button", { name: "Broadcast" }).click();
    await said(bob, "to all of you");
    expect(consoleErrors).toEqual([]);
    await done(ada, bob);
  });

  test("reconnects after its server was killed, and shows what was published meanwhile once and in order", async () => {
    const lost = await start({ REDIS_URL: redis.url });
    const ada = await enter(lost, "Ada", "storm");
    const bob = await enter(there, "Bob", "storm");
    await say(bob, "before");
    await said(ada, "before");
    await bob.getByLabel("Message", { exact: true }).pressSequentially("o");
    await ada.getByText("Bob is typing…").waitFor();
    await kill(lost);
    await hasState(ada, "waiting");
    expect(await ada.getByText("is typing").count()).toBe(0);
    for (const text of ["one", "two", "three"]) await say(bob, text);
    await bob.locator("#messages .mine").getByText("three").waitFor();
    await say(ada, "while offline");
    await ada.locator("#messages .pending").waitFor();
    const again = await start({ REDIS_URL: redis.url, PORT: `${lost.port}` });
    await hasState(ada, "connected");
    await said(bob, "while offline");
    await ada.locator("#messages .mine").getByText("while offline").waitFor();
    expect(await ada.locator("#messages").locator(".said span, .mine span").allTextContents()).toEqual([
      "before",
      "one",
      "two",
      "three",
      "while offline",
    ]);
    expect(await ada.getByText("may be missing").count()).toBe(0);
    // The browser logs each refused connection. Nothing else may be logged.
    expect(consoleErrors.filter((text) => !text.includes("ERR_CONNECTION_REFUSED"))).toEqual([]);
    await done(ada, bob);
    await kill(again);
  });

  test("shows markup in names and messages as text", async () => {
    const markup = `<img src=x onerror="document.title='taken'"><script>document.title='taken'</script>`;
    const name = "<b onclick=alert(1)>Eve</b>";
    const eve = await enter(here, name, "markup");
    const ada = await enter(here, "Ada", "markup");
    await say(eve, markup);
    await said(ada, markup);
    await ada.locator("#people").getByText(name).waitFor();
    expect(await ada.locator("#messages img, #messages script, #people b").count()).toBe(0);
    expect(await ada.title()).toBe("rooms.v1, live");
    expect(consoleErrors).toEqual([]);
    await done(eve, ada);
  });

  test.each(immediateTriggers)("triggers %s", async (name) => trigger(here, name));

  test.each(slowTriggers)("triggers %s", async (name) => {
    const server = await start({ ROOMS_PER_CONNECTION: "3", TOKEN_GRACE_MS: "500" });
    await trigger(server, name);
    await kill(server);
  });

  test("sends an own frame, and filters and formats the frames", async () => {
    const page = await enter(here, "Ada", "frames");
    await page.getByLabel("Send a frame").selectOption("typing");
    await page.getByLabel("Text of the frame").fill('{"type":"ping","id":"own-frame","payload":{"a":[1]}}');
    await page.getByRole("button", { name: "Send frame" }).click();
    await page.getByLabel("Filter frames").fill('"replyto":"own-frame"');
    const row = page.locator("#frames li:not([hidden])");
    await row.getByText('"type":"pong"').waitFor();
    expect(await row.count()).toBe(1);
    await row.locator("summary").click();
    await row.locator("pre").getByText('"replyTo": "own-frame"').waitFor();
    await say(page, "when?");
    await page
      .locator("#messages .mine time[datetime]")
      .getByText(/\d:\d\d/)
      .waitFor();
    await done(page);
  });

  test("shows no room that the server refuses", async () => {
    const page = await enter(here, "Ada", "real");
    await page.getByLabel("Room to join").fill("no room!");
    await page.keyboard.press("Enter");
    await page.locator("#join-error").getByText("no room!: ").waitFor();
    expect(await page.locator("#conversations button").allTextContents()).toEqual(["real1"]);
    expect(await page.locator("#talk-title").textContent()).toBe("real");
    await done(page);
  });

  test("lets two triggers run at the same time", async () => {
    const server = await start({ TOKEN_GRACE_MS: "500" });
    const page = await enter(server, "Ada", "both");
    await page.getByRole("button", { name: "4410 TOKEN_EXPIRED" }).click();
    await page.locator("#outcome").getByText("The token expires in 2 s").waitFor();
    await page.getByRole("button", { name: "4403 FORBIDDEN" }).click();
    await page.locator("#outcome").getByText("closed with 4403").waitFor();
    await page.locator("#outcome").getByText("closed with 4410").waitFor();
    await done(page);
    await kill(server);
  });

  test("counts down while away, and retries at once when asked", async () => {
    const server = await start();
    const page = await enter(server, "Ada", "away");
    await kill(server);
    await page.locator("#countdown").getByText("in ").waitFor();
    const again = await start({ PORT: `${server.port}` });
    // Whatever the wait is: the button or the end of the wait connects.
    const retry = page.getByRole("button", { name: "Retry now" });
    await retry.click({ timeout: 5_000 }).catch(() => undefined);
    await hasState(page, "connected");
    expect(await retry.isVisible()).toBe(false);
    expect(await page.locator("#countdown").textContent()).toBe("");
    await done(page);
    await kill(again);
  });

  test("has no other button", async () => {
    const page = await enter(here, "Ada", "buttons");
    const names = await page.locator("#errors, #closes, #probes").getByRole("button").allTextContents();
    expect(names.sort()).toEqual([...immediateTriggers, ...slowTriggers].sort());
    await done(page);
  });

  test("reconnects after a dropped connection, and does not after a close code of class `stop`", async () => {
    const page = await enter(here, "Ada", "breaks");
    const clientId = await page.locator("#who").textContent();
    await page.getByRole("button", { name: "Drop connection" }).click();
    await page.locator("#who").filter({ hasNotText: clientId! }).waitFor();
    await page.getByRole("button", { name: "1003 UNSUPPORTED_DATA" }).click();
    await page.getByText("Closed with 1003. The client does not reconnect.").waitFor();
    await page.getByRole("button", { name: "Reconnect" }).click();
    await hasState(page, "connected");
    await done(page);
  });

  test("accepts a pasted token, and has no sign-in by name without --dev", async () => {
    const server = await start({}, []);
    const page = await openPage(`http://127.0.0.1:${server.port}/`);
    expect(await page.getByLabel("Your name").isVisible()).toBe(false);
    const token = await testToken("pasted");
    await page.getByLabel("paste a JWT").fill(token);
    await page.getByRole("button", { name: "Connect", exact: true }).click();
    await page.getByText("pasted ·").waitFor();
    expect(await page.content()).not.toContain(token);
    expect((await fetch(`http://127.0.0.1:${server.port}/dev/token`, { method: "POST" })).status).toBe(404);
    expect(consoleErrors).toEqual([]);
    await done(page);
    await kill(server);
  });

  test.each([1280, 400])("fits a width of %d in both themes", async (width) => {
    for (const colorScheme of ["light", "dark"] as const) {
      const page = await enter(here, "Ada", "looks", { colorScheme, viewport: { width, height: 900 } });
      await say(page, `in the ${colorScheme}, ${"a-long-word-".repeat(40)}`);
      await page.locator("#messages .mine").last().waitFor();
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(width);
      const folder = process.env.SCREENSHOTS;
      if (folder !== undefined) await page.screenshot({ path: `${folder}/page-${colorScheme}-${width}.png`, fullPage: true });
      await done(page);
    }
    expect(consoleErrors).toEqual([]);
  });
});

describe("routes for browsers", () => {
  const get = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${here.port}${path}`, init);

  test("/docs obeys its own policy, and its search works", async () => {
    const page = await openPage(`http://127.0.0.1:${here.port}/docs`);
    await page.getByRole("searchbox").fill("slow consumer");
    await page.getByText("SLOW_CONSUMER").locator("visible=true").first().waitFor();
    // In running text only, not in a title.
    await page.getByRole("searchbox").fill("never rewritten");
    await page.locator("#found").getByText(/place/).waitFor();
    await page.getByRole("searchbox").fill("");
    await page.getByRole("heading", { name: "Close codes" }).hover();
    await page.getByRole("button", { name: "Copy link to Close codes" }).click();
    expect(new URL(page.url()).hash).toMatch(/^#close-codes/);
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download" }).click()]);
    expect(download.suggestedFilename()).toBe("asyncapi.yaml");
    expect(readFileSync((await download.path())!, "utf8")).toBe(
      readFileSync(new URL("../spec/asyncapi.yaml", import.meta.url), "utf8"),
    );
    await page.getByRole("link", { name: "Demo page" }).click();
    await page.getByLabel("Your name").waitFor();
    expect(consoleErrors).toEqual([]);
    await done(page);
  });

  test("the console of /docs talks to the server that serves it, and shows markup and tokens as they should be", async () => {
    const page = await openPage(`http://127.0.0.1:${here.port}/docs`);
    const form = page.locator("form.console").first();
    expect(await form.getByLabel("URL").inputValue()).toBe(`ws://127.0.0.1:${here.port}/ws`);
    const token = await testToken("<b>Tess</b>");
    await form.getByLabel("Token").fill(token);
    await form.getByRole("button", { name: "Connect" }).click();
    await form.getByText("Connected, subprotocol rooms.v1.").waitFor();
    await form.locator(".log .in").getByText("<b>Tess</b>").waitFor();
    await form.getByLabel("Example").selectOption({ index: 1 });
    expect(JSON.parse(await form.getByLabel("Frame", { exact: true }).inputValue())).toHaveProperty("type");
    await form
      .getByLabel("Frame", { exact: true })
      .fill(JSON.stringify({ type: "ping", id: "try", payload: [`<img src=x>`, token] }));
    await form.getByRole("button", { name: "Send" }).click();
    await form.locator(".log .in").getByText('"replyTo": "try"').waitFor();
    expect(await form.locator(".log img, .log pre b").count()).toBe(0);
    expect(await form.locator(".log").textContent()).not.toContain(token);
    await form.getByLabel("URL").fill("ws://127.0.0.1/{room}");
    await form.getByRole("button", { name: "Disconnect" }).click();
    await form.locator(".log .note").getByText("closed with 1005").waitFor();
    await form.getByRole("button", { name: "Connect" }).click();
    await form.getByText("Replace {room} in the URL by a value.").waitFor();
    expect(consoleErrors).toEqual([]);
    await done(page);
  });

  test.each(["/", "/docs"])("%s has security headers", async (path) => {
    const { headers } = await get(path);
    const policy = headers.get("content-security-policy");
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain("unsafe");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
  });

  test.each([
    "/assets/reference/main.js",
    "/assets/reference/tokens.js",
    "/assets/reference/client/..%2ftokens.js",
    "/assets/reference/client/%2e%2e/tokens.js",
    "/assets/../package.json",
    "/assets/",
    "/assets/reference/page/page.ts",
  ])("%s is not served", async (path) => {
    expect((await get(path)).status).toBe(404);
  });

  test("a development token needs an allowed origin and valid claims", async () => {
    const ask = (body: unknown, headers = {}) =>
      get("/dev/token", {
        method: "POST",
        body: JSON.stringify(body),
        headers: { "content-type": "application/json", ...headers },
      });
    expect((await ask({ name: "ada" })).status).toBe(200);
    expect((await ask({ name: "ada" }, { origin: "http://elsewhere.example" })).status).toBe(403);
    for (const bad of [{}, { name: "" }, { name: 7 }, { name: "a", roles: "x" }, { name: "a", lifetimeSeconds: 0 }]) {
      expect((await ask(bad)).status).toBe(400);
    }
  });
});
