// idle: connections that do nothing but answer heartbeats.
import type { Scenario } from "../scenario.ts";

export const idle: Scenario = {
  name: "idle",
  help: ["open connections: memory of each, heartbeats answered"],
  unit: () => "connection that stayed open to the end",
  connections: ({ connections }) => connections,
  uses: [],
  held: (done) => `${done} connections stayed open to the end`,
  prepare: async (...args) => (await import("./idle-run.ts")).prepareIdle(...args),
};
