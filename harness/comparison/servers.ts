// The compared servers, each a process of its own: how it is started, spoken to and named.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { defaultSpecFile, loadContract } from "../../spec/load-contract.ts";
import { createTokenIssuer } from "../client/credentials.ts";
import { TargetLost } from "../schema/errors.ts";
import { startReferenceProcess } from "../testbed/reference-process.ts";
import { type Adapter, bareAdapter, contractAdapter, socketIoAdapter, tutorialAdapter } from "./adapter.ts";

export type PeerId = "reference" | "guide" | "socket.io" | "uws" | "bun" | "ws" | "bare";

/** As the tables call them. */
export const peerNames: Readonly<Record<PeerId, string>> = {
  reference: "the reference",
  guide: "express + ws, as in tutorials",
  "socket.io": "socket.io",
  uws: "uWebSockets.js",
  bun: "Bun",
  ws: "ws alone, an echo",
  bare: "bare socket writer",
};

export interface RunningPeer {
  readonly id: PeerId;
  readonly url: URL;
  readonly pid: number;
  readonly adapter: Adapter;
  /** Resolves when the process is gone. */
  stop(): Promise<void>;
}

const plenty = "1000000000";
const day = "86400000";
/** Nothing of the reference's limits or heartbeat may be what is measured. */
const withoutLimits: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ["PUBLISH", "PUBLISH_USER", "CONTROL", "PING"].flatMap((rate) => [
      [`${rate}_BURST`, plenty],
      [`${rate}_PER_SECOND`, plenty],
    ]),
  ),
  HEARTBEAT_INTERVAL_MS: day,
  HEARTBEAT_TIMEOUT_MS: day,
  CONNECTIONS_PER_USER: "1000000",
  MEMBERS_PER_ROOM: "1000000",
  QUEUED_BYTES: "1073741824",
  QUEUED_BYTES_SUSTAINED: "1073741824",
  DRAIN_MS: "0",
  RECONNECT_WITHIN_MS: "0",
};

/** What the bare server must be told, because it looks into nothing. */
export interface BareOptions {
  /** Of a delivery, header and all. */
  readonly frameBytes: number;
  /** The nth connection is in the room n modulo rooms. */
  readonly rooms: number;
}

export async function startPeer(
  id: PeerId,
  { frameBytes, rooms }: BareOptions = { frameBytes: 300, rooms: 1 },
): Promise<RunningPeer> {
  if (id === "reference") return startReference();
  const file = { guide: "guide", "socket.io": "socket-io", uws: "uws", bun: "bun", ws: "ws", bare: "bare" }[id];
  const child = spawn(
    id === "bun" ? bunProgram() : process.execPath,
    [builtServer(`server-${file}.js`), ...(id === "bare" ? [`${frameBytes}`, `${rooms}`] : [])],
    {
      stdio: ["pipe", "pipe", "pipe"],
    },
  );
  const port = await portOf(child, id);
  return {
    id,
    url: new URL(`ws://127.0.0.1:${port}`),
    pid: child.pid!,
    adapter: id === "bare" ? bareAdapter : id === "socket.io" ? socketIoAdapter : tutorialAdapter,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await gone;
    },
  };
}

async function startReference(): Promise<RunningPeer> {
  const { contract } = await loadContract({ file: defaultSpecFile });
  if (contract === undefined) throw new Error(`${defaultSpecFile} cannot be loaded`);
  const channel = contract.channels.find(({ kind }) => kind === "websocket")!;
  const server = await startReferenceProcess({ path: channel.address, env: withoutLimits });
  const issueToken = createTokenIssuer(channel.handshake?.credentials, contract.state, { secret: server.secret });
  const { credential } = await issueToken("bench", { lifetimeSeconds: 86_400 });
  return {
    id: "reference",
    url: new URL(server.url),
    pid: server.pid,
    adapter: contractAdapter(contract, channel, credential!),
    stop: () => server.stop(),
  };
}

/** Of the package that holds the program alone: that of the name `bun` downloads it by a script when it is installed. */
const bunPackage = `@oven/bun-${process.platform}-${process.arch === "arm64" ? "aarch64" : process.arch}`;

/** @throws TargetLost where it is not there: with 100 MB, for one system each, it is no dependency */
function bunProgram(): string {
  try {
    return createRequire(import.meta.url).resolve(`${bunPackage}/bin/bun`);
  } catch {
    throw new TargetLost(`not installed: npm install --no-save --ignore-scripts ${bunPackage}`);
  }
}

/** @throws TargetLost, with what it wrote to stderr, where it does not listen */
function portOf(child: ChildProcess, id: PeerId): Promise<number> {
  return new Promise((resolve, reject) => {
    let stderr = "";
    child.stderr!.on("data", (chunk: Buffer) => {
      stderr = (stderr + chunk.toString()).slice(-2_000);
    });
    child.stdout!.once("data", (chunk: Buffer) => resolve(JSON.parse(chunk.toString()).port));
    child.once("error", reject);
    child.once("exit", () => reject(new TargetLost(`the server ${id} did not come up: ${stderr.trim()}`)));
  });
}

/** From source and from dist/ alike: the program is always the built one. */
function builtServer(name: string): string {
  const built = new URL(name, import.meta.url);
  return fileURLToPath(existsSync(built) ? built : new URL(`../../dist/harness/comparison/${name}`, import.meta.url));
}
