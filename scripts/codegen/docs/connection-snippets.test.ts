// The lines that the documentation gives to connect, run as they stand against the reference server.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Contract } from "../../../spec/contract.ts";
import { defaultSpecFile, loadContract } from "../../../spec/load-contract.ts";
import { find } from "../../find-or-install.ts";
import { httpSnippet, webSocketSnippets } from "./connection-snippets.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), "wsproof-lines-"));
const running = new Set<ChildProcess>();
let http = "";
let token = "";
/** Title -> text, for the server that runs. */
let lines: ReadonlyMap<string, string>;
let publish = "";

beforeAll(async () => {
  // Where a reader has installed ws.
  symlinkSync(path.join(root, "node_modules"), path.join(folder, "node_modules"));
  const server = spawn(process.execPath, [path.join(root, "dist/reference/main.js"), "--dev"], {
    env: { PATH: process.env.PATH, PORT: "0", LOG_LEVEL: "silent" },
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  running.add(server);
  const [message] = await once(server, "message");
  const host = `127.0.0.1:${message.listening.port}`;
  http = `http://${host}`;
  const answer = await fetch(`${http}/dev/token`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name: "Ada", roles: ["publisher"] }),
  });
  token = ((await answer.json()) as { token: string }).token;
  const loaded = (await loadContract({ file: defaultSpecFile })).contract!;
  const contract: Contract = { ...loaded, servers: loaded.servers.map((one) => ({ ...one, host, url: `ws://${host}` })) };
  const [channel, overHttp] = contract.channels;
  lines = new Map(webSocketSnippets(contract, channel!).map(({ title, text }) => [title, text]));
  const operation = contract.operations.find((one) => one.channel === overHttp!.id)!;
  publish = httpSnippet(contract, overHttp!, operation).text;
});
afterAll(async () => {
  for (const one of running) one.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

/** What the program prints until it has printed `last`, or ends. */
async function printed(command: string, args: readonly string[], last: string): Promise<string> {
  // A group of its own: a shell does not hand a signal on.
  const env = { ...process.env, TOKEN: token, ROOM: "lobby" };
  const child = spawn(command, args, { cwd: folder, env, stdio: "pipe", detached: true });
  running.add(child);
  let text = "";
  const isOver = new Promise<void>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk) => {
        text += chunk;
        if (text.includes(last)) resolve();
      });
    }
    child.once("close", () => resolve());
  });
  await isOver;
  running.delete(child);
  if (child.exitCode === null) process.kill(-child.pid!);
  return text;
}

describe("the lines to connect", () => {
  test("Node", async () => {
    writeFileSync(path.join(folder, "connect.mjs"), lines.get("Node")!);
    expect(await printed(process.execPath, ["connect.mjs"], '"connected"')).toContain('{"type":"connected"');
  });

  test("curl", async () => {
    const text = await printed("sh", ["-c", lines.get("curl")!], '"connected"');
    expect(text).toContain("101 Switching Protocols");
    expect(text).toContain("Sec-WebSocket-Protocol: rooms.v1");
    expect(text).toContain('{"type":"connected"');
  });

  test("curl, for what goes over HTTP", async () => {
    expect(await printed("sh", ["-c", publish], "nothing more")).toMatch(/202 Accepted[\s\S]*"seq":1/);
  });

  test("a browser, which is told 1006 where it offers only a wrong subprotocol, and the close code where it offers none", async () => {
    const browser = await chromium.launch({
      executablePath: find("chromium")!,
      args: "--headless --no-sandbox --disable-gpu --disable-background-networking".split(" "),
    });
    try {
      const page = await browser.newPage();
      await page.goto(`${http}/`);
      const heard = page.waitForEvent("console", (message) => message.text().includes('"connected"'));
      const script = lines.get("Browser")!.replace('const token = "...";', `const token = ${JSON.stringify(token)};`);
      expect(script).toContain(token);
      // Nothing of it is a value to hand back.
      await page.evaluate(`{ ${script} undefined; }`);
      await heard;
      const closeCode = (offers: string) =>
        page.evaluate(
          `new Promise((resolve) => { new WebSocket(${JSON.stringify(http.replace("http", "ws"))} + "/ws", ${offers}).onclose = ({ code }) => resolve(code); })`,
        );
      expect(await closeCode('["wrong"]')).toBe(1006);
      expect(await closeCode("[]")).toBe(4406);
    } finally {
      await browser.close();
    }
  });
});
