// A run of `infer`: histories in, a document out.
import { readFileSync, writeFileSync } from "node:fs";
import { endpointFor } from "../../spec/endpoints.ts";
import { loadContract } from "../../spec/load-contract.ts";
import { escapeLine } from "../report/escape.ts";
import { exitCode, UsageError } from "../schema/errors.ts";
import { readTraffic } from "../traffic/history-file.ts";
import { emitDocument, roomCandidates } from "../traffic/infer/emit-document.ts";
import { emitYaml } from "../traffic/infer/emit-yaml.ts";
import { type Inferred, infer } from "../traffic/infer/infer.ts";
import { updateDocument } from "../traffic/infer/update-document.ts";
import { createTrafficMask, type TrafficMask } from "../traffic/mask-traffic.ts";
import type { TrafficEvent } from "../traffic/traffic-event.ts";
import { checkValues } from "./settings/check-values.ts";
import { inferOptions } from "./settings/infer-options.ts";
import { type Given, withDefaults } from "./settings/option.ts";

/** @throws UsageError: what kept it from running, in one paragraph */
export async function runInfer(values: Record<string, unknown>): Promise<number> {
  checkValues(inferOptions, values, { naming: "flag" });
  const settings = withDefaults(inferOptions, values as Given<typeof inferOptions>);
  const { files = [], output, title, update } = settings;
  if (update !== undefined) return await runUpdate(files, update);
  const mask = createTrafficMask();
  const inferred = await infer(() => eventsOf(files, mask));
  const text = emitYaml(emitDocument(inferred, { title }), headingOf(inferred, files));
  write(output, mask.hide(text));
  const { kinds, pairs, observer } = inferred;
  const counts = (side: string) => kinds.filter((kind) => kind.side === side).length;
  process.stdout.write(
    `${escapeLine(`${output}: ${counts("client")} messages of the client, ${counts("server")} of the server, ${pairs.length} with a reply, from ${observer.messages} messages of ${observer.connections.count} connections`)}\n`,
  );
  return exitCode.ok;
}

/** The document gains what the traffic shows, and the report says what. */
async function runUpdate(files: readonly string[], file: string): Promise<number> {
  const { contract } = await loadContract({ file });
  if (contract === undefined) throw new UsageError(`--update ${file} cannot be read as a document. Run: wsproof lint ${file}`);
  if (contract.asyncapi.startsWith("2."))
    throw new UsageError(`--update ${file} is AsyncAPI ${contract.asyncapi}. Convert it to AsyncAPI 3 first.`);
  const endpoint = endpointFor(contract, undefined);
  if (endpoint === undefined)
    throw new UsageError(
      `--update ${file} has no WebSocket channel, or several with their own addresses. Keep one in the document.`,
    );
  const mask = createTrafficMask();
  const inferred = await infer(() => eventsOf(files, mask));
  const { text, drift, unseen, skipped } = updateDocument(
    inferred,
    readFileSync(file, "utf8"),
    endpoint.contract,
    endpoint.channel,
  );
  const { messages, connections } = inferred.observer;
  const of = `${messages} messages of ${connections.count} connections`;
  const lines = [
    text === undefined ? `${file}: nothing to add from ${of}` : `${file}: ${drift.length} additions from ${of}`,
    ...drift.map((sentence) => `- ${mask.hide(sentence)}`),
    ...(unseen.length > 0 ? [`Not in this traffic: ${unseen.join(", ")}`] : []),
    ...(skipped.length > 0 ? [`Not compared: ${skipped.join(", ")}`] : []),
  ];
  process.stdout.write(`${lines.map(escapeLine).join("\n")}\n`);
  if (text === undefined) return exitCode.ok;
  writeFileSync(file, text);
  return exitCode.findings;
}

/** Connections of one file are none of another. */
async function* eventsOf(files: readonly string[], mask: TrafficMask): AsyncGenerator<TrafficEvent> {
  for (const [index, file] of files.entries())
    for await (const event of readTraffic(file)) {
      mask.take(event);
      yield index === 0 ? event : { ...event, connection: event.connection + index * 1e9 };
    }
}

function headingOf(inferred: Inferred, files: readonly string[]): string[] {
  const { observer, refusedKinds } = inferred;
  return [
    `Drafted by wsproof infer from ${files.join(", ")}: ${observer.messages} messages, ${observer.connections.count} connections.`,
    "A comment gives the number of frames that support its line or the block below; without one, all frames of the message do.",
    "A draft knows only what it saw: read it, correct it, then remove x-exercise where verify may send generated values.",
    ...roomCandidates(inferred).map((line) => `Candidate: ${line}`),
    ...refusedKinds.map(({ name, count }) => `Left out, always rejected: ${name}, ${count} times`),
    ...[...observer.refusedHandshakes].map(([status, count]) => `Handshakes rejected with ${status}: ${count}`),
  ];
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text, { flag: "wx" });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(
      code === "EEXIST"
        ? `--output ${file} already exists. Give another name, or remove it.`
        : `--output ${file} cannot be written (${code}). Does its folder exist?`,
    );
  }
}
