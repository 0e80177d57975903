// A stateful case as plain data: connections and steps. Any step may be left out and the case is still legal.
import type { Contract, Operation, Pointer, Value } from "../../../spec/contract.ts";
import { callsOf, type Protocol } from "../../model/protocol.ts";

/** How a step waits: until all is quiet, for its own reply, or not at all. */
export type Sync = "fence" | "reply" | "none";

export interface CaseConnection {
  /** Number of its user: connections with the same number belong to one user. */
  readonly user: number;
  /** Number of its node; taken modulo the nodes there are. */
  readonly node: number;
  /** Whether it has joined the first key of every relation before the first step. */
  readonly member: boolean;
  /** Whether it opens with a short-lived credential, where one can be issued. Default false. */
  readonly expires?: boolean;
}

export interface SendStep {
  readonly do: "send";
  /** Taken modulo the connections. */
  readonly connection: number;
  /** Id of an operation. */
  readonly operation: string;
  /** A valid message of it. What stands at the places that the contract gives a meaning is bound when the case runs. */
  readonly frame: unknown;
  /** Which key of the relations. */
  readonly key: number;
  /** Whom it is for: a connection, or -1 for nobody. */
  readonly to: number;
  /**
   * `short-lived`: valid, but expires soon. `changed`: valid, with the claims that operations require where the user's first one lacks
   * them, else without them.
   */
  readonly credential: "good" | "short-lived" | "bad" | "other" | "lacking" | "changed";
  /** With an idempotency key: a new one, or that of the last step of this user that had one, with the same frame. */
  readonly once: "no" | "new" | "again";
  readonly since: "no" | "last" | "stale" | "future";
  readonly sync: Sync;
}

/** The user of a connection asks for an operation over HTTP. */
export interface CallStep {
  readonly do: "call";
  /** Taken modulo the connections: its user asks. */
  readonly connection: number;
  /** Id of an operation. */
  readonly operation: string;
  /** A valid body. */
  readonly frame: unknown;
  /** Which key of the relations. */
  readonly key: number;
  /** As in SendStep. */
  readonly once: "no" | "new" | "again";
  readonly sync: Sync;
}

export type Step =
  | SendStep
  /** A frame that is no message. */
  | { readonly do: "malformed"; readonly connection: number; readonly kind: "not-json" | "unknown-type"; readonly sync: Sync }
  | { readonly do: "hang-up"; readonly connection: number; readonly how: "clean" | "reset" | "half-close"; readonly sync: Sync }
  /** A new connection of the same user replaces it. */
  | { readonly do: "reconnect"; readonly connection: number; readonly sync: Sync }
  | CallStep
  /** Waits until the credential that the connection opened with has expired, or until the grace after that is over. */
  | { readonly do: "wait"; readonly connection: number; readonly until: "expiry" | "close"; readonly sync: Sync };

export interface StatefulCase {
  readonly connections: readonly CaseConnection[];
  readonly steps: readonly Step[];
}

/** Whether the case waits for the end of a credential. */
export function isSlow({ connections }: StatefulCase): boolean {
  return connections.some(({ expires }) => expires === true);
}

/** What a field of a client's message means to the model. */
export type FieldRole = "column" | "attribute" | "credential" | "once" | "since" | "id";

/** The places in the operation's message that are bound at run time. */
export function rolesOf(protocol: Protocol, operation: Operation): Map<Pointer, FieldRole> {
  const roles = new Map<Pointer, FieldRole>();
  const put = (value: Value | undefined, role: FieldRole) => {
    if (value?.kind === "message" && !roles.has(value.pointer)) roles.set(value.pointer, role);
  };
  for (const requirement of operation.requires) {
    if (requirement.kind === "relation" || requirement.kind === "limit")
      for (const value of requirement.where.values()) put(value, "column");
    if (requirement.kind === "connection") put(requirement.equals, "attribute");
    if (requirement.kind === "credential") put(requirement.value, "credential");
  }
  for (const effect of operation.effects) {
    if (effect.kind === "add" || effect.kind === "remove") for (const value of effect.where.values()) put(value, "column");
    if (effect.kind === "once") put(effect.key, "once");
    if (effect.kind === "replay") put(effect.since, "since");
    if (effect.kind === "renew") put(effect.credential, "credential");
    if (effect.kind === "deliver" && effect.to.kind === "relation")
      for (const value of effect.to.where.values()) put(value, "column");
    if (effect.kind === "deliver" && effect.to.kind === "connection") put(effect.to.equals, "attribute");
  }
  const message = protocol.contract.messages.find(({ name }) => operation.messages.includes(name));
  if (message?.correlation !== undefined) roles.set(message.correlation, "id");
  return roles;
}

/** Operations of the channel that a client can ask for by a JSON message, other than the fence. */
export function operationsOf(protocol: Protocol): Operation[] {
  return protocol.contract.operations.filter(
    (operation) =>
      operation.action === "receive" &&
      operation.channel === protocol.channel.id &&
      operation !== protocol.fence &&
      protocol.contract.messages.some(({ name, format }) => operation.messages.includes(name) && format === "json"),
  );
}

/** All operations that a client can ask for, over HTTP too, but for the fence. */
export function askedOf(protocol: Protocol): readonly Operation[] {
  return [...operationsOf(protocol), ...callsOf(protocol.contract)];
}

/** Whether something of the contract is told apart by a key, such as a room. */
export function hasKeys({ state }: Contract): boolean {
  return state.relations.some(({ columns }) => columns.length > 1);
}

/** One line a step, for a person. @param keyed of hasKeys */
export function describeStep(step: Step, keyed: boolean): string {
  const waits = { fence: "", reply: ", waiting for the reply alone", none: ", without waiting" }[step.sync];
  switch (step.do) {
    case "send": {
      const extras = [
        ...(step.once === "no" ? [] : [`idempotency key: ${step.once}`]),
        ...(step.since === "no" ? [] : [`since: ${step.since}`]),
        ...(step.credential === "good" ? [] : [`credential: ${step.credential}`]),
      ];
      return `connection ${step.connection} asks for ${step.operation}${keyed ? `, key ${step.key}` : ""}${extras.map((text) => `, ${text}`).join("")}${waits}`;
    }
    case "call":
      return `the user of connection ${step.connection} asks for ${step.operation} over HTTP${keyed ? `, key ${step.key}` : ""}${step.once === "no" ? "" : `, idempotency key: ${step.once}`}${waits}`;
    case "malformed":
      return `connection ${step.connection} sends a frame that is ${step.kind}${waits}`;
    case "hang-up":
      return `connection ${step.connection} ends (${step.how})${waits}`;
    case "reconnect":
      return `a new connection of the same user replaces connection ${step.connection}${waits}`;
    case "wait":
      return `waits until the credential of connection ${step.connection} has expired${step.until === "close" ? ", and the grace after that is over" : ""}${waits}`;
  }
}
