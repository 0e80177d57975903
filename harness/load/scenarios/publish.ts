// publish: the HTTP operation that publishes into a log; its WebSocket members measure the delivery.

import { msText } from "../figures.ts";
import { dueByRate, type Scenario } from "../scenario.ts";
import { fanout } from "./fanout.ts";

export const publish: Scenario = {
  name: "publish",
  help: ["the HTTP operation that publishes, at a rate or by autocannon;", "members measure the delivery"],
  unit: fanout.unit,
  connections: fanout.connections,
  uses: fanout.uses,
  due: dueByRate,
  findings({ facts: { p50 = [], p99 = [] } }) {
    const text = `HTTP answers, from the time each was due: p50 ${msText(Math.max(...p50))}, p99 ${msText(Math.max(...p99))}, of the slowest thread`;
    return { figures: {}, lines: p50.length === 0 ? [] : [text], wrong: [] };
  },
  prepare: async (...args) => (await import("./publish-run.ts")).preparePublish(...args),
};
