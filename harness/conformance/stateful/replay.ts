// Replays a stored case without drawing anything: FIXED where its rule holds now, FAILED where it breaks, ERROR where that cannot be said.
import { endpointFor } from "../../../spec/endpoints.ts";
import { loadContract } from "../../../spec/load-contract.ts";
import type { Auth } from "../../client/credentials.ts";
import { createProtocol } from "../../model/protocol.ts";
import { frameLines } from "../../report/frames.ts";
import { withDrawnExamples } from "../../schema/drawn-examples.ts";
import { exitCode, TargetLost, UsageError } from "../../schema/errors.ts";
import { startReferenceProcess } from "../../testbed/reference-process.ts";
import { beginCheck } from "../check.ts";
import { openRun } from "../open-run.ts";
import { describeStep, hasKeys } from "./case.ts";
import { type Executed, execute } from "./execute.ts";
import { loadFailure, type StoredFailure } from "./failures.ts";

export interface ReplayOptions {
  /** Empty or undefined: the reference server, started for the run. */
  readonly url?: readonly string[] | undefined;
  /** Default: the document that the failure names. */
  readonly spec?: string | undefined;
  readonly auth?: Auth | undefined;
  readonly origin?: string | undefined;
  readonly insecure?: boolean | undefined;
}

export interface ReplayPlaces {
  /** Where failures are stored, default `.wsproof/failures`. */
  readonly folder?: string;
  /** Default stdout. */
  readonly write?: (text: string) => void;
}

/** @returns the exit code. @throws UsageError */
export async function replay(
  id: string,
  flags: ReplayOptions,
  { folder, write = (text) => void process.stdout.write(text) }: ReplayPlaces = {},
): Promise<number> {
  const failure = loadFailure(id, folder);
  const file = flags.spec ?? failure.spec;
  const { contract: loaded, findings } = await loadContract({ file });
  if (loaded === undefined)
    throw new UsageError(`--spec ${file}: ${findings[0]?.actual ?? "cannot be loaded"}. Run \`wsproof lint --spec ${file}\`.`);
  const endpoint = endpointFor(loaded, flags.url?.[0]);
  if (endpoint === undefined)
    throw new UsageError(`--spec ${file} has no endpoint for ${flags.url?.[0] ?? "the reference server"}`);
  const contract = withDrawnExamples(endpoint.contract);
  const { channel } = endpoint;
  const server = flags.url === undefined ? await startReferenceProcess({ path: channel.address }) : undefined;
  try {
    const auth = server === undefined ? (flags.auth ?? {}) : { secret: server.secret };
    const target = {
      urls: flags.url ?? [server?.url ?? ""],
      origin: flags.origin,
      pid: server?.pid,
      embedded: server !== undefined,
      askToStop: undefined,
    };
    const opened = await openRun({ contract, channel, target, auth, seed: failure.seed, insecure: flags.insecure ?? false });
    const check = beginCheck(opened.run);
    try {
      write(`${failure.id}: ${failure.rule} (${failure.pointer})\n`);
      const executed = await execute(check.context, createProtocol(contract, channel.id), failure.case, {
        onStep: (step, index) => write(`  ${index + 1}. ${describeStep(step, hasKeys(contract))}\n`),
      });
      return conclude(failure, executed, write);
    } finally {
      await check.end();
      await opened.end();
    }
  } catch (error) {
    if (!(error instanceof TargetLost)) throw error;
    write(`ERROR: ${error.message}\n`);
    return exitCode.couldNotRun;
  } finally {
    await server?.stop();
  }
}

function conclude({ rule }: StoredFailure, { judgement, history }: Executed, write: (text: string) => void): number {
  const found = judgement.findings.find((finding) => finding.rule === rule);
  const others = [...new Set(judgement.findings.map((finding) => finding.rule))].filter((other) => other !== rule);
  const shown = found ?? judgement.findings[0];
  if (shown !== undefined) {
    for (const { atMs, connection, arrow, text } of frameLines(shown.events.flatMap((at) => history[at] ?? []))) {
      write(`     ${atMs.toFixed(1).padStart(8)} ms  ${connection} ${arrow} ${text}\n`);
    }
  }
  if (found !== undefined) {
    write(`FAILED: expected ${found.expected}, got ${found.actual}\n`);
    return exitCode.findings;
  }
  if (others.length > 0) {
    write(`FAILED: ${rule} holds now, but ${others.join(", ")} does not: expected ${shown?.expected}, got ${shown?.actual}\n`);
    return exitCode.findings;
  }
  const doubts = [...judgement.inconclusive, ...judgement.open.map(({ expected }) => `open: ${expected}`)];
  if (doubts.length > 0) {
    write(`ERROR: it cannot be said whether ${rule} holds: ${doubts.join("; ")}\n`);
    return exitCode.couldNotRun;
  }
  write(`FIXED: ${rule} holds (${judgement.decided.get(rule) ?? 0} times)\n`);
  return exitCode.ok;
}
