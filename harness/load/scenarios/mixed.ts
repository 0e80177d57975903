// mixed: connections that send operations of the document by weight.
import { dueByRate, type Scenario } from "../scenario.ts";

export const mixed: Scenario = {
  name: "mixed",
  help: ["operations of the document, by weight"],
  unit: () => "reply to an operation",
  connections: ({ connections }) => connections,
  uses: ["rate", "rooms", "payload"],
  due: dueByRate,
  prepare: async (...args) => (await import("./requests-run.ts")).prepareMixed(...args),
};
