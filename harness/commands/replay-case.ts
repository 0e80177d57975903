// Runs a stored case again without generating anything: FIXED when its rule passes, FAILED when it fails, ERROR when neither is certain.
import { endpointFor } from "../../spec/endpoints.ts";
import { loadContract } from "../../spec/load-contract.ts";
import type { Auth } from "../client/credentials.ts";
import { beginCheck } from "../conformance/check.ts";
import { openRun } from "../conformance/open-run.ts";
import { describeStep, hasKeys } from "../conformance/stateful/case.ts";
import { type Executed, execute } from "../conformance/stateful/execute.ts";
import { loadFailure, type StoredFailure } from "../conformance/stateful/failures.ts";
import { createProtocol } from "../model/protocol.ts";
import { frameLines } from "../report/frames.ts";
import { withDrawnExamples } from "../schema/drawn-examples.ts";
import { exitCode, TargetLost, UsageError } from "../schema/errors.ts";
import { startReferenceProcess } from "../testbed/reference-process.ts";
import { loadCa } from "./load-ca.ts";

export interface ReplayOptions {
  /** Empty or undefined: the reference server, started for the run. */
  readonly url?: readonly string[] | undefined;
  /** Default: the document that the failure names. */
  readonly spec?: string | undefined;
  readonly perspective?: "server" | "client" | undefined;
  readonly overlay?: string | undefined;
  readonly server?: string | undefined;
  readonly variables?: Readonly<Record<string, string>> | undefined;
  readonly auth?: Auth | undefined;
  readonly origin?: string | undefined;
  readonly insecure?: boolean | undefined;
  readonly ca?: string | undefined;
}

export interface ReplayOutput {
  /** Where failures are stored, default `.wsproof/failures`. */
  readonly folder?: string;
  /** Default stdout. */
  readonly write?: (text: string) => void;
}

/** @returns the exit code. @throws UsageError */
export async function replay(
  id: string,
  flags: ReplayOptions,
  { folder, write = (text) => void process.stdout.write(text) }: ReplayOutput = {},
): Promise<number> {
  const failure = loadFailure(id, folder);
  const file = flags.spec ?? failure.spec;
  const { perspective, overlay, server: serverName, variables } = flags;
  const { contract: loaded, findings } = await loadContract({ file, perspective, overlay, server: serverName, variables });
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
    const opened = await openRun({
      contract,
      channel,
      target,
      auth,
      seed: failure.seed,
      insecure: flags.insecure ?? false,
      ca: loadCa(flags.ca),
    });
    const check = beginCheck(opened.run);
    const tell = (text: string) => write(opened.run.mask.hide(text));
    try {
      tell(`${failure.id}: ${failure.rule} (${failure.pointer})\n`);
      const executed = await execute(check.context, createProtocol(contract, channel.id), failure.case, {
        onStep: (step, index) => tell(`  ${index + 1}. ${describeStep(step, hasKeys(contract))}\n`),
      });
      return conclude(failure, executed, opened.run.mask.hide, write);
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

function conclude(
  { rule }: StoredFailure,
  { result, history }: Executed,
  hide: (text: string) => string,
  tell: (text: string) => void,
): number {
  const write = (text: string) => tell(hide(text));
  const found = result.findings.find((finding) => finding.rule === rule);
  const others = [...new Set(result.findings.map((finding) => finding.rule))].filter((other) => other !== rule);
  const shown = found ?? result.findings[0];
  if (shown !== undefined) {
    for (const { atMs, connection, arrow, text } of frameLines(
      JSON.parse(hide(JSON.stringify(shown.events.flatMap((at) => history[at] ?? [])))),
    )) {
      write(`     ${atMs.toFixed(1).padStart(8)} ms  ${connection} ${arrow} ${text}\n`);
    }
  }
  if (found !== undefined) {
    write(`FAILED: expected ${found.expected}, got ${found.actual}\n`);
    return exitCode.findings;
  }
  if (others.length > 0) {
    write(`FAILED: ${rule} passes now, but ${others.join(", ")} fails: expected ${shown?.expected}, got ${shown?.actual}\n`);
    return exitCode.findings;
  }
  const doubts = [...result.inconclusive, ...result.open.map(({ expected }) => `open: ${expected}`)];
  if (doubts.length > 0) {
    write(`ERROR: ${rule} could neither pass nor fail: ${doubts.join("; ")}\n`);
    return exitCode.couldNotRun;
  }
  write(`FIXED: ${rule} passes (${result.decided.get(rule) ?? 0} times)\n`);
  return exitCode.ok;
}
