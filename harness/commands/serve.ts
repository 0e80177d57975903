// wsproof serve: starts the reference server as a process, or as several, and exits with its status.
import type { Command } from "commander";
import { UsageError } from "../schema/errors.ts";

interface ServeOptions {
  readonly port?: string;
  readonly host?: string;
  readonly dev?: boolean;
  readonly jwtSecret?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly redis?: string;
  readonly nodes?: string;
  readonly settings?: boolean;
}

const examples = `
Examples:
  wsproof serve --dev                        on port 8080; prints a token
  JWT_SECRET=$(openssl rand -base64 48) wsproof serve --port 9000
  wsproof serve --dev --nodes 3 --redis redis://127.0.0.1:6379
  wsproof serve --dev --tls-cert cert.pem --tls-key key.pem
  wsproof serve --settings                   every environment variable`;

export function registerServe(program: Command): void {
  program
    .command("serve")
    .summary("start the reference server")
    .description("Starts the reference server. `serve --settings` lists the environment variables it reads.")
    .option("--port <number>", "port to listen on, 0 for any free port (env PORT, default: 8080)")
    .option("--host <address>", "address to listen on (env HOST, default: 127.0.0.1)")
    .option("--redis <url>", "share rooms through this Redis, or these comma-separated nodes of a Redis Cluster (env REDIS_URL)")
    .option("--nodes <count>", "run N nodes on consecutive ports; needs --redis")
    .option("--dev", "development mode: generate a secret and print a token")
    .option("--jwt-secret <secret>", "secret of at least 32 bytes; prefer env JWT_SECRET, which other users cannot see")
    .option("--tls-cert <file>", "PEM certificate, for https and wss; read again when it changes (env TLS_CERT)")
    .option("--tls-key <file>", "PEM key of --tls-cert (env TLS_KEY)")
    .option("--settings", "list all environment variables with unit, default and range")
    .addHelpText("after", examples)
    .action(serve);
}

async function serve({ port, host, dev, jwtSecret, tlsCert, tlsKey, redis, nodes, settings }: ServeOptions): Promise<void> {
  const env = { ...process.env };
  if (port !== undefined) env.PORT = port;
  if (host !== undefined) env.HOST = host;
  if (jwtSecret !== undefined) env.JWT_SECRET = jwtSecret;
  if (tlsCert !== undefined) env.TLS_CERT = tlsCert;
  if (tlsKey !== undefined) env.TLS_KEY = tlsKey;
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
  if (!env.REDIS_URL) throw new UsageError("--nodes needs --redis URL (or REDIS_URL): without it the nodes share no rooms");
  const port = Number(env.PORT || 8080);
  if (!Number.isInteger(port) || port < 0 || port + count - 1 > 65_535) {
    throw new UsageError(`expected --port from 0 to ${65_536 - count} for ${count} nodes, got "${env.PORT}"`);
  }
  const [{ superviseNodes }, { randomBytes }] = await Promise.all([
    import("../testbed/server-process.ts"),
    import("node:crypto"),
  ]);
  // One secret for all nodes: a token must be valid on each of them.
  if (args.includes("--dev")) env.JWT_SECRET ||= randomBytes(48).toString("base64url");
  return superviseNodes({ count, args, env, port, say: (line) => process.stderr.write(`${line}\n`) });
}
