// echo: connections that send one operation; the time to each reply is measured.
import { timedOperation } from "../operations.ts";
import { dueByRate, type Scenario } from "../scenario.ts";

export const echo: Scenario = {
  name: "echo",
  help: ["a request and its reply"],
  unit: ({ contract, channel, profile }) => `reply to ${timedOperation(contract, channel, profile.operation).id}`,
  connections: ({ connections }) => connections,
  uses: ["rate", "payload"],
  due: dueByRate,
  prepare: async (...args) => (await import("./requests-run.ts")).prepareEcho(...args),
};
