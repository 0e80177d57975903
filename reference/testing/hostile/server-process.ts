// The server in a process of its own, as hostile runs need it: with a probe inside, its log read, and killed at the end.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { createToken } from "../../tokens.ts";
import type { Probe } from "./probe.ts";

const secret = "a secret of the hostile runs, 32 B";
// From the sources as from dist: what runs is what was built.
const dist = new URL(import.meta.url.includes("/dist/") ? "../../" : "../../../dist/reference/", import.meta.url);
export const built = (path: string): string => fileURLToPath(new URL(path, dist));

export interface ServerProcess {
  readonly port: number;
  readonly pid: number;
  /** Lines of level error or worse. */
  readonly errors: readonly string[];
  readonly hasEnded: boolean;
  probe(): Promise<Probe>;
  /** Value of a line of /metrics. */
  metric(line: string): Promise<number>;
  /** Ends it by SIGTERM, or at once. */
  stop(signal?: "SIGTERM" | "SIGKILL"): Promise<void>;
}

/** @param env settings beside the secret and a free port */
export async function startServerProcess(env: Readonly<Record<string, string>> = {}): Promise<ServerProcess> {
  const child: ChildProcess = spawn(process.execPath, ["--import", built("testing/hostile/probe.js"), built("main.js")], {
    env: { PATH: process.env.PATH, PORT: "0", JWT_SECRET: secret, DRAIN_MS: "0", LOG_LEVEL: "error", ...env },
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  const errors: string[] = [];
  child.stdout!.setEncoding("utf8").on("data", (text: string) => errors.push(...text.split("\n").filter((line) => line !== "")));
  const [first] = (await Promise.race([once(child, "message"), once(child, "exit").then(() => [undefined])])) as [
    { listening: { port: number } } | undefined,
  ];
  if (first === undefined) throw new Error(`the server did not start: ${errors.join("\n")}`);
  const { port } = first.listening;
  return {
    port,
    pid: child.pid!,
    errors,
    get hasEnded() {
      return child.exitCode !== null || child.signalCode !== null;
    },
    async probe() {
      child.send("probe");
      const [{ probe }] = (await once(child, "message")) as [{ probe: Probe }];
      return probe;
    },
    async metric(line) {
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      return Number(
        text
          .split("\n")
          .find((one) => one.startsWith(`${line} `))
          ?.slice(line.length + 1),
      );
    },
    async stop(signal = "SIGTERM") {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, "exit");
      child.kill(signal);
      await gone;
    },
  };
}

export const tokenOf = (userId: string): Promise<string> => createToken(secret, userId, [], 3600);
