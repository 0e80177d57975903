// A stateful case as plain data: connections and steps. Any step may be left out and the case is still legal.
import type { Contract, Message, Operation, Pointer, Value, Where } from "../../../spec/contract.ts";
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
  /** Whether it carries an id where the document does not demand one. Default true. */
  readonly correlated?: boolean;
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
export type Field =
  | { readonly role: "column"; readonly column: string }
  /** Any value that the relation holds for the connection. */
  | { readonly role: "held"; readonly relation: string; readonly column: string }
  | { readonly role: "attribute" | "credential" | "once" | "since" | "id" };

/** The fields of the operation's message that are bound at run time. */
export function fieldsOf(protocol: Protocol, operation: Operation): Map<Pointer, Field> {
  const fields = new Map<Pointer, Field>();
  const put = (value: Value | undefined, field: Field) => {
    if (value?.kind === "message" && !fields.has(value.pointer)) fields.set(value.pointer, field);
  };
  const putColumns = (where: Where) => {
    for (const [column, value] of where) put(value, { role: "column", column });
  };
  for (const [pointer, value] of operation.bindings)
    if (value.kind === "relation") fields.set(pointer, { role: "held", relation: value.relation, column: value.column });
  for (const requirement of operation.requires) {
    if (requirement.kind === "relation" || requirement.kind === "limit") putColumns(requirement.where);
    if (requirement.kind === "connection") put(requirement.equals, { role: "attribute" });
    if (requirement.kind === "credential") put(requirement.value, { role: "credential" });
  }
  for (const effect of operation.effects) {
    if (effect.kind === "add" || effect.kind === "remove") putColumns(effect.where);
    if (effect.kind === "once") put(effect.key, { role: "once" });
    if (effect.kind === "replay") put(effect.since, { role: "since" });
    if (effect.kind === "renew") put(effect.credential, { role: "credential" });
    if (effect.kind === "deliver" && effect.to.kind === "relation") putColumns(effect.to.where);
    if (effect.kind === "deliver" && effect.to.kind === "connection") put(effect.to.equals, { role: "attribute" });
  }
  const message = messageOf(protocol, operation);
  if (message?.correlation !== undefined) fields.set(message.correlation, { role: "id" });
  return fields;
}

/** The JSON message by which a client asks for the operation. */
export function messageOf({ contract }: Protocol, operation: Operation): Message | undefined {
  return contract.messages.find(({ name, format }) => operation.messages.includes(name) && format === "json");
}

/** Operations of the channel that a case may send by a JSON message, other than the fence. */
export function operationsOf(protocol: Protocol): Operation[] {
  return protocol.contract.operations.filter(
    (operation) =>
      operation.action === "receive" &&
      operation.channel === protocol.channel.id &&
      operation !== protocol.fence &&
      operation.exercise !== "never" &&
      (operation.exercise === "full" || (messageOf(protocol, operation)?.examples.length ?? 0) > 0) &&
      messageOf(protocol, operation) !== undefined,
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
  const waits = { fence: "", reply: ", waiting only for the reply", none: ", without waiting" }[step.sync];
  switch (step.do) {
    case "send": {
      const extras = [
        ...(step.once === "no" ? [] : [`idempotency key: ${step.once}`]),
        ...(step.correlated === false ? ["without an id"] : []),
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
