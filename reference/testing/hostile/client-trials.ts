// The client on a runtime against all hostile servers at once, compared with their bounds.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { connectTimeoutMs, hostileServers, startHostileServer, trialMs } from "../hostile-servers.ts";
import type { Trial } from "../try-client.ts";
import { built } from "./server-process.ts";

const graceMs = 30_000;

export interface ClientTrials {
  readonly rows: readonly ClientTrial[];
  /** Uncaught exceptions and unhandled rejections of the client's process. */
  readonly escaped: readonly string[];
}

export interface ClientTrial {
  /** What the server does. */
  readonly name: string;
  readonly attempts: number;
  readonly invalid: number;
  readonly state: string;
  readonly problems: readonly string[];
}

/**
 * @param runtime path of the program, such as that of a version of Node
 * @param flags what stands before the script
 */
export async function tryHostileServers(runtime: string, flags: readonly string[]): Promise<ClientTrials> {
  const running = await Promise.all(hostileServers.map(startHostileServer));
  try {
    const servers = hostileServers.map(({ name }, index) => ({ name, url: `ws://127.0.0.1:${running[index]!.port}/ws` }));
    const args = [...flags, built("testing/try-client.js"), JSON.stringify([servers, trialMs, connectTimeoutMs])];
    const { stdout } = await promisify(execFile)(runtime, args, { timeout: trialMs + graceMs }).catch(
      ({ stdout = "", stderr = "" }: { stdout?: string; stderr?: string }) => {
        if (stdout.startsWith("{")) return { stdout };
        throw new Error(`the client's process ended without a report: ${stderr.slice(-1_000)}`);
      },
    );
    const { trials, escaped } = JSON.parse(stdout) as { readonly trials: readonly Trial[]; readonly escaped: readonly string[] };
    const rows = hostileServers.map(({ name, attempts: [least, most], endsAs, invalid = 0 }, index) => {
      const { attempts } = running[index]!;
      const trial = trials[index]!;
      const problems = [
        ...(attempts < least || attempts > most ? [`${name}: ${attempts} attempts, expected ${least} to ${most}`] : []),
        ...(endsAs !== undefined && trial.state !== endsAs ? [`${name}: ends ${trial.state}, expected ${endsAs}`] : []),
        ...(trial.invalid < invalid ? [`${name}: ${trial.invalid} invalid frames reported, expected ${invalid}`] : []),
      ];
      return { name, attempts, invalid: trial.invalid, state: trial.state, problems };
    });
    return { rows, escaped };
  } finally {
    for (const server of running) server.close();
  }
}
