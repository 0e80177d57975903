// fanout: members of rooms publish at a rate; every member must get every message.
import { logRoles } from "../../cluster/log-roles.ts";
import { dueByRate, type Scenario } from "../scenario.ts";

export const fanout: Scenario = {
  name: "fanout",
  help: ["rooms x members x rate: every member gets every message once,", "in order"],
  unit: ({ contract, channel }) => `delivery of ${logRoles(contract, channel)?.delivered ?? "a message"} to a member`,
  connections: ({ rooms, members }) => rooms * members,
  uses: ["rate", "rooms", "members", "payload", "deliveries"],
  due: dueByRate,
  prepare: async (...args) => (await import("./fanout-run.ts")).prepareFanout(...args),
};
