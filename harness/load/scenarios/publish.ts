// publish: the HTTP operation that publishes into a log; its WebSocket members measure the delivery.

import type { Scenario } from "../scenario.ts";
import { fanout } from "./fanout.ts";

export const publish: Scenario = {
  name: "publish",
  help: ["the HTTP operation that publishes, driven by autocannon; members", "measure the delivery"],
  unit: fanout.unit,
  connections: fanout.connections,
  uses: fanout.uses,
  prepare: async (...args) => (await import("./publish-run.ts")).preparePublish(...args),
};
