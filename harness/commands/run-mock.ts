// A run of `mock` in a terminal: loads the document, serves it, and stops at a signal.
import { loadUsable } from "../conformance/load-contract-under-test.ts";
import { startAdmin } from "../mock/admin.ts";
import { startMock } from "../mock/start-mock.ts";
import { escapeLine } from "../report/escape.ts";
import { exitCode, UsageError } from "../schema/errors.ts";
import { onSignals } from "../testbed/server-process.ts";
import { checkValues } from "./settings/check-values.ts";
import { mockOptions } from "./settings/mock-options.ts";
import { type Given, withDefaults } from "./settings/option.ts";
import { drawSeed } from "./settings/verify-settings.ts";

/** @throws UsageError: what kept it from running, in one paragraph */
export async function runMock(values: Record<string, unknown>): Promise<number> {
  checkValues(mockOptions, values, { naming: "flag" });
  const settings = withDefaults(mockOptions, values as Given<typeof mockOptions>);
  const { secret, tokens, admin: adminPort, set = {}, seed = drawSeed() } = settings;
  const contract = await loadUsable({ ...settings, urls: [] });
  const mock = await startMock({ ...settings, contract, seed, set, auth: { secret, tokens } }).catch((error) => {
    throw listenFailure(error, "--port", settings.port);
  });
  const say = (line: string) => process.stdout.write(`${escapeLine(line)}\n`);
  const admin =
    adminPort === undefined
      ? undefined
      : await startAdmin(mock, adminPort).catch(async (error) => {
          await mock.stop();
          throw listenFailure(error, "--admin", adminPort);
        });
  say(`${contract.title} ${contract.version}, seed ${seed}`);
  for (const url of mock.urls) say(`listening on ${url}`);
  if (admin !== undefined) say(`admin on http://127.0.0.1:${admin.port}`);
  await new Promise<void>((resolve) => {
    onSignals(() => resolve());
  });
  await admin?.stop();
  await mock.stop();
  return exitCode.ok;
}

function listenFailure(error: NodeJS.ErrnoException, option: string, port: number): Error {
  if (error.code === undefined || error instanceof UsageError) return error;
  return new UsageError(`${option} ${port} is not available (${error.code}). Give another port, or 0 for any free one.`);
}
