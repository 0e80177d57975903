// node try-hostile-servers.js RUNTIME [FLAG..]: runs the client on a runtime, such as another version of Node, against all hostile servers at once, and compares with their bounds.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { connectTimeoutMs, hostileServers, startHostileServer, trialMs } from "./hostile-servers.ts";
import type { Trial } from "./try-client.ts";

const program = fileURLToPath(new URL("./try-client.js", import.meta.url));
const graceMs = 30_000;

/**
 * @param runtime path of the program, such as that of a version of Node
 * @param flags what stands before the script
 * @returns what went wrong, one line each
 */
async function tryHostileServers(runtime: string, flags: readonly string[]): Promise<string[]> {
  const running = await Promise.all(hostileServers.map(startHostileServer));
  try {
    const servers = hostileServers.map(({ name }, index) => ({ name, url: `ws://127.0.0.1:${running[index]!.port}/ws` }));
    const args = [...flags, program, JSON.stringify([servers, trialMs, connectTimeoutMs])];
    const { stdout } = await promisify(execFile)(runtime, args, { timeout: trialMs + graceMs }).catch(
      ({ stdout = "", stderr = "" }: { stdout?: string; stderr?: string }) => {
        if (stdout.startsWith("{")) return { stdout };
        throw new Error(`the client's process ended without a report: ${stderr.slice(-1_000)}`);
      },
    );
    const { trials, escaped } = JSON.parse(stdout) as { readonly trials: readonly Trial[]; readonly escaped: readonly string[] };
    return [
      ...escaped,
      ...hostileServers.flatMap(({ name, attempts: [least, most], endsAs, invalid = 0 }, index) => {
        const { attempts } = running[index]!;
        const trial = trials[index]!;
        return [
          ...(attempts < least || attempts > most ? [`${name}: ${attempts} attempts, expected ${least} to ${most}`] : []),
          ...(endsAs !== undefined && trial.state !== endsAs ? [`${name}: ends ${trial.state}, expected ${endsAs}`] : []),
          ...(trial.invalid < invalid ? [`${name}: ${trial.invalid} invalid frames reported, expected ${invalid}`] : []),
        ];
      }),
    ];
  } finally {
    for (const server of running) server.close();
  }
}

const [runtime, ...flags] = process.argv.slice(2);
if (runtime === undefined) throw new Error("expected the path of a runtime");
const problems = await tryHostileServers(runtime, flags);
process.stdout.write(
  problems.length === 0 ? `${hostileServers.length} hostile servers, within all bounds\n` : `${problems.join("\n")}\n`,
);
if (problems.length > 0) process.exitCode = 1;
