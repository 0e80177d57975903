// The load under scenarios that look at something else than its speed: fanout where the document has a log, else echo.
import { logRoles } from "../../cluster/log-roles.ts";
import type { SlowReaders } from "../slow-readers.ts";
import type { ScenarioRun, WorkerContext } from "../worker-context.ts";
import { prepareFanout } from "./fanout-run.ts";
import { prepareEcho } from "./requests-run.ts";

export function prepareBase(worker: WorkerContext, progress: (count: number) => void, slow?: SlowReaders): Promise<ScenarioRun> {
  const { contract, channel, profile } = worker;
  if (profile.operation !== undefined || logRoles(contract, channel) === undefined) return prepareEcho(worker, progress, slow);
  const { connections, rooms } = profile;
  // `--connections` is what such a scenario opens, whatever the document has.
  const members = Math.max(1, Math.floor(connections / rooms));
  return prepareFanout({ ...worker, profile: { ...profile, members } }, progress, slow);
}
