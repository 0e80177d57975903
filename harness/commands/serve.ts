// wsproof serve: starts the reference server as a process of its own, or as several, and ends as it ends.
import type { Command } from "commander";
import { UsageError } from "../schema/errors.ts";

interface ServeOptions {
  readonly port?: string;
  readonly host?: string;
  readonly dev?: boolean;
  readonly jwtSecret?: string;
  readonly redis?: string;
  readonly nodes?: string;
  readonly settings?: boolean;
}

const examples = `
Examples:
  wsproof serve --dev                                       on port 8080, with a token to try it
  JWT_SECRET=$(head -c 32 /dev/urandom | base64) wsproof serve --port 9000
  wsproof serve --dev --nodes 3 --redis redis://127.0.0.1:6379
  wsproof serve --settings                                  every environment variable`;

export function registerServe(program: Command): void {
  program
    .command("serve")
    .summary("start the reference server")
    .description("Starts the reference server. `serve --settings` lists what the environment can set.")
    .option("--port <number>", "port to listen on, 0 for any free one (PORT, default 8080)")
    .option("--host <address>", "address to listen on (HOST, default 127.0.0.1)")
    .option(
      "--redis <url>",
      "share rooms with other nodes through this Redis, or these nodes of a Redis Cluster, with commas between (REDIS_URL)",
    )
    .option("--nodes <count>", "run so many nodes, on this port and the next ones; needs --redis")
    .option("--dev", "for development: make up a secret and print a ready token")
    .option("--jwt-secret <secret>", "secret of at least 32 bytes; better in JWT_SECRET, where other users cannot see it")
    .option("--settings", "list every environment variable with its unit, default and range")
    .addHelpText("after", examples)
    .action(serve);
}

async function serve({ port, host, dev, jwtSecret, redis, nodes, settings }: ServeOptions): Promise<void> {
  const env = { ...process.env };
  if (port !== undefined) env.PORT = port;
  if (host !== undefined) env.HOST = host;
  if (jwtSecret !== undefined) env.JWT_SECRET = jwtSecret;
  if (redis !== undefined) env.REDIS_URL = redis;
  const args = [...(dev ? ["--dev"] : []), ...(settings ? ["--help"] : [])];
  if (nodes !== undefined && !settings) process.exitCode = await serveNodes(nodes, args, env);
  else process.exitCode = await serveOne(args, env);
}

async function serveOne(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const { exitStatus, onSignals, spawnServer } = await import("../testbed/server-process.ts");
  const server = spawnServer(args, env);
  const off = onSignals((signal) => server.kill(signal));
  return new Promise((resolve, reject) => {
    server.on("error", reject);
    server.on("exit", (code, signal) => {
      off();
      resolve(exitStatus(code, signal));
    });
  });
}

async function serveNodes(nodes: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const count = Number(nodes);
  if (!Number.isInteger(count) || count < 1 || count > 64) throw new UsageError(`expected --nodes from 1 to 64, got "${nodes}"`);
  if (!env.REDIS_URL) throw new UsageError("--nodes needs --redis URL (or REDIS_URL): without it each node has rooms of its own");
  const port = Number(env.PORT || 8080);
  if (!Number.isInteger(port) || port < 0 || port + count - 1 > 65_535) {
    throw new UsageError(`expected --port from 0 to ${65_536 - count} for ${count} nodes, got "${env.PORT}"`);
  }
  const [{ superviseNodes }, { randomBytes }] = await Promise.all([
    import("../testbed/server-process.ts"),
    import("node:crypto"),
  ]);
  // One secret for all, or a token would be good on one node alone.
  if (args.includes("--dev")) env.JWT_SECRET ||= randomBytes(48).toString("base64url");
  return superviseNodes({ count, args, env, port, say: (line) => process.stderr.write(`${line}\n`) });
}
