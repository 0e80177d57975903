// One trial: a server, its honest clients through a recording proxy, and the draft that their traffic gives beside the document of people.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { endpointFor } from "../../../spec/endpoints.ts";
import { defaultSpecFile, loadContract } from "../../../spec/load-contract.ts";
import { createTokenIssuer } from "../../client/credentials.ts";
import { startReferenceProcess } from "../../testbed/reference-process.ts";
import { emitDocument } from "../../traffic/infer/emit-document.ts";
import { emitYaml } from "../../traffic/infer/emit-yaml.ts";
import { type Inferred, infer } from "../../traffic/infer/infer.ts";
import { startRecording } from "../../traffic/record.ts";
import type { TrafficEvent } from "../../traffic/traffic-event.ts";
import { startServer } from "../gallery/run-server.ts";
import { examples, galleryServers } from "../gallery/servers.ts";
import { type Score, scoreOf } from "./score.ts";
import { type Talk, talkAria2, talkDevtools, talkGraphql, talkInRooms } from "./talks.ts";

export interface Trial {
  readonly name: string;
  readonly spec: string;
  readonly talk: Talk;
  /** The program that it needs and that may be missing. */
  readonly needs?: string;
  start(): Promise<{ readonly url: string; readonly secret?: string; stop(): Promise<void> }>;
}

const ofGallery = (name: string, id: string, talk: Talk): Trial => {
  const server = galleryServers.find((one) => one.id === id)!;
  return { name, spec: path.join(examples, server.example, "asyncapi.yaml"), talk, start: () => startServer(server) };
};

export const trials: readonly Trial[] = [
  { name: "rooms.v1", spec: defaultSpecFile, talk: talkInRooms, start: () => startReferenceProcess({ path: "/ws" }) },
  ofGallery("graphql-transport-ws", "graphql-ws", talkGraphql),
  { ...ofGallery("aria2", "aria2", talkAria2), needs: "aria2c" },
  ofGallery("DevTools", "node-inspect", talkDevtools),
];

/** Of messages and required members that a draft must have as people wrote them. Of replies, every one. */
export const leastPercent = 95;

export interface TrialResult {
  readonly name: string;
  readonly inferred: Inferred;
  readonly events: readonly TrafficEvent[];
  readonly draft: string;
  readonly score: Score;
}

export async function runTrial(trial: Trial): Promise<TrialResult> {
  const events = await record(trial);
  const inferred = await infer(async function* () {
    yield* events;
  });
  const draft = emitYaml(emitDocument(inferred, { title: trial.name }), []);
  const folder = await mkdtemp(path.join(tmpdir(), "wsproof-trial-"));
  try {
    const file = path.join(folder, "draft.yaml");
    await writeFile(file, draft);
    const drafted = await loadContract({ file });
    if (drafted.contract === undefined)
      throw new Error(`the draft of ${trial.name} does not load: ${drafted.findings[0]?.actual}`);
    const written = endpointFor((await loadContract({ file: trial.spec })).contract!, undefined)!;
    return { name: trial.name, inferred, events, draft, score: scoreOf(inferred, drafted.contract, written) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function record({ spec, talk, start }: Trial): Promise<TrafficEvent[]> {
  const events: TrafficEvent[] = [];
  const server = await start();
  const { contract, channel } = endpointFor((await loadContract({ file: spec })).contract!, undefined)!;
  const issue = createTokenIssuer(channel.handshake?.credentials, contract.state, { secret: server.secret });
  const startMs = performance.now();
  const target = new URL(server.url);
  const proxy = await startRecording({
    ...{ target, port: 0, host: "127.0.0.1", insecure: false, tls: undefined },
    nowMs: () => performance.now() - startMs,
    event: (event) => events.push(event),
  });
  try {
    const token = async (user: string, claims = {}) => (await issue(user, { claims })).credential ?? "";
    await talk({ url: `ws://127.0.0.1:${proxy.port}${target.pathname}`, token });
  } finally {
    // Before the proxy, so that what the server says at its end is recorded.
    await server.stop();
    await proxy.stop();
  }
  return events;
}
