// A browser and reference servers for the tests of the pages.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { testSecret } from "./in-process-server.ts";

const mainFile = fileURLToPath(new URL("../../dist/reference/main.js", import.meta.url));
const executablePath = [...(process.env.PATH ?? "").split(delimiter), "/usr/bin"]
  .map((folder) => join(folder, "chromium"))
  .find((path) => existsSync(path));
const flags =
  "--headless --no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync --no-first-run";

export interface Node {
  readonly process: ChildProcess;
  readonly port: number;
}
const running = new Set<ChildProcess>();
export async function start(env: Readonly<Record<string, string>> = {}, args: readonly string[] = ["--dev"]): Promise<Node> {
  const child = spawn(process.execPath, [mainFile, ...args], {
    env: { PATH: process.env.PATH, PORT: "0", JWT_SECRET: testSecret, LOG_LEVEL: "silent", ...env },
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  running.add(child);
  const [message] = await once(child, "message");
  return { process: child, port: message.listening.port };
}
export async function kill({ process }: Node): Promise<void> {
  running.delete(process);
  const exit = once(process, "exit");
  process.kill("SIGKILL");
  await exit;
}

export const launchBrowser = (): Promise<Browser> => chromium.launch({ executablePath: executablePath!, args: flags.split(" ") });

/** Ends every server that still runs. */
export function killAll(): void {
  for (const one of running) one.kill("SIGKILL");
}

/** Warnings and errors that the browser logged. Emptied by the tests. */
export const consoleErrors: string[] = [];

export async function openPage(browser: Browser, url: string, options: Parameters<Browser["newContext"]>[0] = {}): Promise<Page> {
  const page = await (await browser.newContext(options)).newPage();
  page.setDefaultTimeout(30_000);
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") consoleErrors.push(message.text());
  });
  page.on("pageerror", (error) => consoleErrors.push(`${error}`));
  await page.goto(url);
  return page;
}

export const done = async (...pages: Page[]) => {
  for (const page of pages) await page.context().close();
};
