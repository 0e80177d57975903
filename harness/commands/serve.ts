// wsproof serve: starts the reference server as a process of its own, and ends as it ends.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";

interface ServeOptions {
  readonly port?: string;
  readonly host?: string;
  readonly dev?: boolean;
  readonly jwtSecret?: string;
}

const serverFile = fileURLToPath(new URL("../../reference/main.js", import.meta.url));
const signals = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

export function registerServe(program: Command): void {
  program
    .command("serve")
    .description("Start the reference server. `serve --settings` lists what the environment can set.")
    .option("--port <number>", "port to listen on, 0 for any free one (PORT, default 8080)")
    .option("--host <address>", "address to listen on (HOST, default 127.0.0.1)")
    .option("--dev", "for development: make up a secret and print a ready token")
    .option("--jwt-secret <secret>", "secret of at least 32 bytes; better in JWT_SECRET, where other users cannot see it")
    .option("--settings", "list every environment variable with its unit, default and range")
    .action(serve);
}

function serve({ port, host, dev, jwtSecret, settings }: ServeOptions & { readonly settings?: boolean }): Promise<void> {
  const env = { ...process.env };
  if (port !== undefined) env.PORT = port;
  if (host !== undefined) env.HOST = host;
  if (jwtSecret !== undefined) env.JWT_SECRET = jwtSecret;
  const args = [...(dev ? ["--dev"] : []), ...(settings ? ["--help"] : [])];
  // Detached, because a terminal sends Ctrl-C to the whole group and the server would take ours for a second signal.
  // The channel is not used to talk: when this process dies, it closes, and the server drains.
  const server = spawn(process.execPath, [serverFile, ...args], {
    env,
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    detached: true,
  });
  const passOn = signals.map((signal) => {
    const listener = (): void => void server.kill(signal === "SIGHUP" ? "SIGTERM" : signal);
    process.on(signal, listener);
    return () => process.off(signal, listener);
  });
  return new Promise((resolve, reject) => {
    server.on("error", reject);
    server.on("exit", (code, signal) => {
      for (const stop of passOn) stop();
      // As a shell reports a process that a signal ended.
      process.exitCode = code ?? (signal === "SIGKILL" ? 137 : 143);
      resolve();
    });
  });
}
