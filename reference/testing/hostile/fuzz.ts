// The fuzz run: frames around the contract and RFC 6455 against a server process, and what it made of them.
import { closeCodes } from "../../../generated/protocol.gen.ts";
import isServerMessage from "../../../generated/validators/server-messages.gen.js";
import { Draw } from "./draw.ts";
import { drawCase, type FuzzCase } from "./fuzz-frames.ts";
import { opcodes, RawSocket, type ServerFrame, textFrame } from "./raw-socket.ts";
import { type ServerProcess, startServerProcess, tokenOf } from "./server-process.ts";

export interface FuzzResult {
  readonly seed: number;
  readonly frames: number;
  readonly connections: number;
  /** Messages of the server, each valid by its schema. */
  readonly replies: number;
  /** Close code -> connections. `none`: the client hung up first. */
  readonly closes: Readonly<Record<string, number>>;
  /** What must not be: a server that ended or was silent, an invalid reply, an internal error, an undeclared close code. */
  readonly findings: readonly string[];
  readonly leakedDescriptors: number;
  /** Growth of the heap after collection, from a tenth of the run to its end. */
  readonly leakedBytes: number;
}

/** Connections at a time. */
const parallel = 8;
/** Rates and counters under which the connections live through all their frames. */
const lenient = Object.fromEntries(
  ["PUBLISH", "PUBLISH_USER", "CONTROL", "PING"]
    .flatMap((name) => [`${name}_BURST`, `${name}_PER_SECOND`])
    .concat("MALFORMED_PER_MINUTE", "REFUSALS_PER_MINUTE", "CONNECTIONS_PER_USER")
    .map((name) => [name, "1000000"]),
);
const declared = new Set<number>(Object.values(closeCodes).map(({ code }) => code));

/** @param frames at least so many are sent */
export async function runFuzz({ frames, seed }: { readonly frames: number; readonly seed: number }): Promise<FuzzResult> {
  const server = await startServerProcess({ ...lenient, EVENTS_PER_ROOM: "10", KEEP_ROOM_MS: "0" });
  const run = new FuzzRun(server, new Draw(seed), await tokenOf("fuzz"));
  try {
    await run.send(Math.floor(frames / 10));
    const before = await server.probe();
    await run.send(frames);
    const after = server.hasEnded ? before : await server.probe();
    if (server.hasEnded) run.findings.add("the server's process ended");
    for (const line of server.errors) run.findings.add(`the server logged: ${line.slice(0, 300)}`);
    return {
      ...{ seed, frames: run.frames, connections: run.connections, replies: run.replies },
      closes: Object.fromEntries([...run.closes].sort()),
      findings: [...run.findings],
      leakedDescriptors: after.descriptors - before.descriptors,
      leakedBytes: after.heapBytes - before.heapBytes,
    };
  } finally {
    await server.stop("SIGKILL");
  }
}

class FuzzRun {
  frames = 0;
  connections = 0;
  replies = 0;
  readonly closes = new Map<string, number>();
  readonly findings = new Set<string>();
  readonly #server: ServerProcess;
  readonly #draw: Draw;
  readonly #token: string;

  constructor(server: ServerProcess, draw: Draw, token: string) {
    this.#server = server;
    this.#draw = draw;
    this.#token = token;
  }

  /** Sends cases until so many frames are sent in all. Every connection has ended when it resolves. */
  async send(frames: number): Promise<void> {
    const control = await this.#open();
    await Promise.all(
      Array.from({ length: parallel }, async () => {
        while (this.frames < frames && !this.#server.hasEnded) {
          const next = drawCase(this.#draw);
          this.frames += next.frames;
          this.connections++;
          await this.#sendCase(next).catch((error: Error) => this.findings.add(`a connection: ${error.message}`));
        }
      }),
    );
    await this.#stillServed(control);
    while (!this.#server.hasEnded && (await this.#server.metric("wsproof_connections")) > 0) await pause(20);
  }

  #open(): Promise<RawSocket> {
    return RawSocket.open(this.#server.port, this.#token, (frame) => this.#check(frame));
  }

  async #sendCase({ bytes, cuts }: FuzzCase): Promise<void> {
    const raw = await this.#open();
    raw.socket.on("error", () => {});
    let from = 0;
    for (const to of [...cuts, bytes.length]) {
      await raw.write(bytes.subarray(from, to));
      // Another segment of TCP.
      if (to < bytes.length) await new Promise(setImmediate);
      from = to;
    }
    // The server reads all that was sent before it sees the end.
    raw.socket.end();
    await raw.closed();
    const code = `${raw.closeCode ?? "none"}`;
    this.closes.set(code, (this.closes.get(code) ?? 0) + 1);
  }

  #check({ opcode, payload }: ServerFrame): void {
    if (opcode === opcodes.close) {
      const code = payload.length < 2 ? 1005 : payload.readUInt16BE();
      // 1005 and a client's own code are answers to its close frame.
      if (code !== 1005 && !declared.has(code) && !(code === 1001 || (code >= 3000 && code < 5000))) {
        this.findings.add(`closed with ${code}, which is not declared`);
      }
      if (code === closeCodes.INTERNAL_ERROR.code) this.findings.add("closed with an internal error");
    }
    if (opcode !== opcodes.text) return;
    this.replies++;
    const value: unknown = JSON.parse(payload.toString());
    if (!isServerMessage(value)) this.findings.add(`an invalid message: ${payload.toString().slice(0, 300)}`);
    else if (value.type === "error" && value.payload.code === "INTERNAL") this.findings.add("an INTERNAL error");
  }

  /** Whoever did nothing is still answered. */
  async #stillServed(control: RawSocket): Promise<void> {
    const answered = new Promise<boolean>((resolve) => {
      const timer = setTimeout(resolve, 30_000, false);
      control.onFrame = ({ payload }) => {
        if (!payload.includes('"replyTo":"still"')) return;
        clearTimeout(timer);
        resolve(true);
      };
      control.socket.on("close", () => resolve(false));
    });
    await control.write(textFrame('{"type":"ping","id":"still","payload":1}'));
    if (!(await answered)) this.findings.add("a connection that did nothing is not served any more");
    control.socket.destroy();
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
