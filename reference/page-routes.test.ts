// The routes for browsers, and the documentation in a real browser.
import { readFileSync } from "node:fs";
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { testToken } from "./testing/in-process-server.ts";
import { consoleErrors, done, killAll, launchBrowser, type Node, openPage, start } from "./testing/page-in-browser.ts";

let browser: Browser;
let here: Node;
beforeAll(async () => {
  [browser, here] = await Promise.all([launchBrowser(), start()]);
});
afterAll(async () => {
  await browser?.close();
  killAll();
});
afterEach(() => {
  consoleErrors.length = 0;
});

describe("routes for browsers", () => {
  const get = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${here.port}${path}`, init);

  test("/docs obeys its own policy, and its search works", async () => {
    const page = await openPage(browser, `http://127.0.0.1:${here.port}/docs`);
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
    const page = await openPage(browser, `http://127.0.0.1:${here.port}/docs`);
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
