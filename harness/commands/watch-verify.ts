// verify --watch: runs again when the document, its overlay, the config file or a watched path changes.
import { existsSync, statSync, watch } from "node:fs";
import path from "node:path";
import { defaultSpecFile } from "../../spec/load-contract.ts";
import { exitCode, UsageError } from "../schema/errors.ts";
import type { VerifySettings } from "./settings/verify-settings.ts";
import { listens, replaceServer, stopStarted } from "./target-process.ts";

/** Editors and compilers write in several steps: what comes within this time is one change. */
const settleMs = 100;

/**
 * Runs once, and again after each change until `stop` is aborted.
 * @throws UsageError where a watched path does not exist
 */
export async function watchAndRerun(
  settings: VerifySettings,
  once: () => Promise<number>,
  stop: AbortSignal,
  write: (text: string) => void,
): Promise<number> {
  const documents = [settings.spec ?? defaultSpecFile, settings.overlay, settings.config].filter((file) => file !== undefined);
  const missing = [...documents, ...settings.watchPaths].find((file) => !existsSync(file));
  if (missing !== undefined) throw new UsageError(`--watch: no such file: ${missing}`);
  let change: string | undefined;
  let wake: () => void = () => undefined;
  const changed = (file: string) => {
    change = file;
    wake();
  };
  const watchers = [...documents, ...settings.watchPaths].map((file) => watchOne(path.resolve(file), changed));
  stop.addEventListener("abort", () => wake());
  let code: number = exitCode.ok;
  const [url = ""] = settings.urls;
  let isStale = false;
  const renew = async () => {
    const problem = await replaceServer(settings, url);
    isStale = problem !== undefined;
    if (problem !== undefined) write(`wsproof: not run: ${problem}\n`);
  };
  try {
    if (settings.restartCommand !== undefined && !(await listens(url))) await renew();
    while (!stop.aborted) {
      // A server of the code before the change would tell nothing.
      const run = isStale ? Promise.resolve(exitCode.couldNotRun) : once();
      code = await run.catch((error: unknown) => {
        // A document that is broken half way through an edit must not end the watch.
        write(`wsproof: ${error instanceof Error ? error.message : error}\n`);
        return exitCode.couldNotRun;
      });
      if (stop.aborted) break;
      write(`\nWatching ${[...documents, ...settings.watchPaths].join(", ")}. Press Ctrl-C to stop.\n`);
      if (change === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      await new Promise((resolve) => setTimeout(resolve, settleMs));
      if (change !== undefined) write(`\n${change} changed.\n`);
      // The server is built from the watched paths; a new document alone needs no new server.
      if (change !== undefined && !documents.some((file) => path.resolve(file) === change)) await renew();
      change = undefined;
    }
  } finally {
    for (const one of watchers) one.close();
    stopStarted();
  }
  return code;
}

/** A file by its folder, because editors replace it; a folder with all that is in it. */
function watchOne(file: string, changed: (file: string) => void): { close(): void } {
  if (statSync(file).isDirectory()) {
    return watch(file, { recursive: true }, (_, name) => {
      if (name === null || !/(^|[\\/])(node_modules|\.git|\.wsproof)([\\/]|$)/.test(name)) changed(path.join(file, name ?? ""));
    });
  }
  return watch(path.dirname(file), (_, name) => {
    if (name === null || name === path.basename(file)) changed(file);
  });
}
