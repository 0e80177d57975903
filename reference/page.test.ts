// The demo page and the documentation in a real browser, served by the reference server.
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { testToken } from "./testing/in-process-server.ts";
import { consoleErrors, done, kill, killAll, launchBrowser, type Node, openPage, start } from "./testing/page-in-browser.ts";
import { TestRedis } from "./testing/test-redis.ts";

let browser: Browser;
let redis: TestRedis;
let here: Node;
let there: Node;
beforeAll(async () => {
  browser = await launchBrowser();
  redis = await TestRedis.start();
  [here, there] = await Promise.all([start({ REDIS_URL: redis.url }), start({ REDIS_URL: redis.url })]);
});
afterAll(async () => {
  await browser?.close();
  killAll();
  await redis?.stop();
});

afterEach(() => {
  consoleErrors.length = 0;
});

async function enter({ port }: Node, name: string, room: string, options = {}): Promise<Page> {
  const page = await openPage(browser, `http://127.0.0.1:${port}/`, options);
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
    const page = await openPage(browser, `http://127.0.0.1:${server.port}/`);
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
