// handshake: connections accepted at a rate, timed until the first message; then rejected upgrades.
import { dueByRate, type Scenario } from "../scenario.ts";

export const handshake: Scenario = {
  name: "handshake",
  help: ["connections accepted at a rate, then rejected upgrades"],
  unit: ({ channel }) => `connection, until ${channel.handshake?.first ?? "the upgrade's response"}`,
  connections: () => 0,
  uses: ["rate"],
  due: dueByRate,
  prepare: async (worker) => (await import("./handshake-run.ts")).prepareHandshake(worker),
};
