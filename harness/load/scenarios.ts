// The scenarios that there are: what each puts under load, and what it counts as done.
import { logRoles } from "../cluster/log-roles.ts";
import type { ScenarioName } from "./load-result.ts";
import { echoOperation } from "./operations.ts";
import { prepareFanout } from "./scenarios/fanout.ts";
import { prepareHandshake } from "./scenarios/handshake.ts";
import { prepareIdle } from "./scenarios/idle.ts";
import { preparePublish } from "./scenarios/publish.ts";
import { prepareEcho, prepareMixed } from "./scenarios/requests.ts";
import type { Act, Demand, Stage } from "./worker-context.ts";

export interface Scenario {
  /** Half a sentence, for help. */
  readonly summary: string;
  /** What one "request" of the tables is. */
  unit(stage: Stage): string;
  /** Open at once, over all threads. */
  connections(demand: Demand): number;
  /** Brings all connections of this thread into their place. @throws UsageError where the document has not what it takes */
  prepare(stage: Stage, progress: (count: number) => void): Promise<Act>;
}

const delivery = ({ contract, channel }: Stage) =>
  `delivery of ${logRoles(contract, channel)?.delivered ?? "a message"} to a member`;
const ofConnections = ({ connections }: Demand) => connections;
const ofMembers = ({ rooms, members }: Demand) => rooms * members;

export const scenarios: Readonly<Record<ScenarioName, Scenario>> = {
  handshake: {
    summary: "connections accepted at a rate, and refused upgrades",
    unit: ({ channel }) => `connection, until ${channel.handshake?.first ?? "the upgrade's answer"}`,
    connections: () => 0,
    prepare: prepareHandshake,
  },
  publish: {
    summary: "the HTTP operation that publishes; members measure the delivery",
    unit: delivery,
    connections: ofMembers,
    prepare: preparePublish,
  },
  echo: {
    summary: "a request to its reply",
    unit: ({ contract, channel }) => `reply to ${echoOperation(contract, channel.id, channel.delivery?.fence).id}`,
    connections: ofConnections,
    prepare: prepareEcho,
  },
  fanout: { summary: "rooms x members x rate", unit: delivery, connections: ofMembers, prepare: prepareFanout },
  mixed: {
    summary: "operations of the document by weight",
    unit: () => "reply to an operation",
    connections: ofConnections,
    prepare: prepareMixed,
  },
  idle: {
    summary: "connections held: memory of each, heartbeats answered",
    unit: () => "connection that was held to the end",
    connections: ofConnections,
    prepare: prepareIdle,
  },
};
