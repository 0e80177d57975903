// Entry point of the server process: arguments, environment and signals.
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { subprotocols } from "../generated/protocol.gen.ts";
import { type Clock, systemClock } from "./clock.ts";
import { type Config, ConfigError, configHelp, readConfig } from "./config.ts";
import { createHub } from "./create-hub.ts";
import { createFanOut } from "./fan-out.ts";
import type { Hub } from "./hub/hub.ts";
import { createLog } from "./log.ts";
import { startServer } from "./server.ts";
import { createToken } from "./tokens.ts";

const cannotStart = 2;
/** How long the start waits for the hub. Then the server listens without it, and says so in /health/ready. */
const hubWaitMs = 2_000;

async function main(args: readonly string[], clock: Clock): Promise<void> {
  const unknown = args.find((argument) => argument !== "--dev" && argument !== "--help");
  if (unknown !== undefined) return giveUp(`expected --dev or --help, got "${unknown}"`);
  if (args.includes("--help")) {
    process.stdout.write(`${configHelp()}\n`);
    return;
  }
  let config: Config;
  try {
    config = readConfig(process.env, { dev: args.includes("--dev") });
  } catch (error) {
    if (error instanceof ConfigError) return giveUp(`${error.message}\n--help lists every setting; --dev generates a secret`);
    throw error;
  }

  const log = createLog(config.logLevel);
  const jwtSecret = config.jwtSecret ?? randomBytes(48).toString("base64url");
  const fanOut = createFanOut();
  const hub = await createHub(config, clock, log, fanOut);
  await untilAvailable(hub, clock);
  let server: Awaited<ReturnType<typeof startServer>>;
  try {
    server = await startServer({ config: { ...config, jwtSecret }, hub, clock, log, fanOut });
  } catch (error) {
    await hub.close();
    return giveUp(explainListen(error as NodeJS.ErrnoException, config));
  }

  let hasSignal = false;
  function stop(why: string): void {
    if (hasSignal) process.exit(1);
    hasSignal = true;
    log.info({ why }, "stopping; a second signal exits at once");
    void server.drain().then(() => process.exit(0));
  }
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => stop(signal));
  // A parent process that has ended cannot send a signal.
  process.on("disconnect", () => {
    if (!hasSignal) stop("parent gone");
  });

  log.info({ host: config.host, port: server.port }, "listening");
  if (config.dev) await printDevHelp(config, server.port, jwtSecret);
  process.send?.({ listening: { port: server.port } });
}

/** Clients that come back to a node whose hub is not there yet would be closed with 1013, and stay away for 10 s. */
async function untilAvailable(hub: Hub, clock: Clock): Promise<void> {
  for (const endsAtMs = clock.monotonicMs() + hubWaitMs; !hub.available && clock.monotonicMs() < endsAtMs; ) await sleep(10);
}

async function printDevHelp({ host, tls }: Config, port: number, secret: string): Promise<void> {
  const token = await createToken(secret, "dev", ["broadcaster", "publisher"], 24 * 3600);
  const pair = `["${subprotocols[0]}", "bearer.${Buffer.from(token).toString("base64url")}"]`;
  const s = tls ? "s" : "";
  process.stderr.write(
    [
      "",
      "*** DEVELOPMENT MODE: the secret is generated, and the token below is in your terminal. Never use --dev where others can connect. ***",
      "",
      `token of the user dev, valid for a day:\n${token}`,
      "",
      `npx wscat -c ws${s}://${host}:${port}/ws -s ${subprotocols[0]} -H "Authorization: Bearer ${token}"`,
      "",
      `from a page at http${s}://localhost:${port}: new WebSocket("ws${s}://${host}:${port}/ws", ${pair})`,
      "",
      "",
    ].join("\n"),
  );
}

function explainListen(error: NodeJS.ErrnoException, { host, port }: Config): string {
  if (error.code === undefined) return error.message;
  if (error.code === "EADDRINUSE") return `port ${port} of ${host} is in use: set PORT to another one, or to 0 for any free one`;
  if (error.code === "EACCES") return `not allowed to listen on port ${port}: set PORT to one above 1023`;
  if (error.code === "EADDRNOTAVAIL" || error.code === "ENOTFOUND") return `HOST ${host} is not an address of this machine`;
  return `cannot listen on ${host}:${port}: ${error.message}`;
}

function giveUp(message: string): void {
  process.stderr.write(`reference server: ${message}\n`);
  process.exitCode = cannotStart;
  process.disconnect?.();
}

await main(process.argv.slice(2), systemClock);
