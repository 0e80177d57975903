// A run of `infer`: histories in, a document out.
import { writeFileSync } from "node:fs";
import { escapeLine } from "../report/escape.ts";
import { exitCode, UsageError } from "../schema/errors.ts";
import { readTraffic } from "../traffic/history-file.ts";
import { emitDocument, roomCandidates } from "../traffic/infer/emit-document.ts";
import { emitYaml } from "../traffic/infer/emit-yaml.ts";
import { type Inferred, infer } from "../traffic/infer/infer.ts";
import type { TrafficEvent } from "../traffic/traffic-event.ts";
import { checkValues } from "./settings/check-values.ts";
import { inferOptions } from "./settings/infer-options.ts";
import { type Given, withDefaults } from "./settings/option.ts";

/** @throws UsageError: what kept it from running, in one paragraph */
export async function runInfer(values: Record<string, unknown>): Promise<number> {
  checkValues(inferOptions, values, { naming: "flag" });
  const settings = withDefaults(inferOptions, values as Given<typeof inferOptions>);
  const { files = [], output, title } = settings;
  const inferred = await infer(() => eventsOf(files));
  const text = emitYaml(emitDocument(inferred, { title }), headingOf(inferred, files));
  write(output, text);
  const { kinds, pairs, observer } = inferred;
  const counts = (side: string) => kinds.filter((kind) => kind.side === side).length;
  process.stdout.write(
    `${escapeLine(`${output}: ${counts("client")} messages of the client, ${counts("server")} of the server, ${pairs.length} with a reply, from ${observer.messages} messages of ${observer.connections.count} connections`)}\n`,
  );
  return exitCode.ok;
}

/** Connections of one file are none of another. */
async function* eventsOf(files: readonly string[]): AsyncGenerator<TrafficEvent> {
  for (const [index, file] of files.entries())
    for await (const event of readTraffic(file))
      yield index === 0 ? event : { ...event, connection: event.connection + index * 1e9 };
}

function headingOf(inferred: Inferred, files: readonly string[]): string[] {
  const { observer, refusedKinds } = inferred;
  return [
    `Drafted by wsproof infer from ${files.join(", ")}: ${observer.messages} messages, ${observer.connections.count} connections.`,
    "A comment says how many frames support what stands beside it or below; without one all frames of the message do.",
    "A draft knows only what it saw: read it, correct it, then remove x-exercise where verify may send generated values.",
    ...roomCandidates(inferred).map((line) => `Candidate: ${line}`),
    ...refusedKinds.map(({ name, count }) => `Left out, always refused: ${name}, ${count} times`),
    ...[...observer.refusedHandshakes].map(([status, count]) => `Handshakes refused with ${status}: ${count}`),
  ];
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text, { flag: "wx" });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(
      code === "EEXIST"
        ? `--output ${file} is there already. Give another name, or remove it.`
        : `--output ${file} cannot be written (${code}). Does its folder exist?`,
    );
  }
}
