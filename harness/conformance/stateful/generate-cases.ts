// Random cases: few connections, few keys, most of them together in the first, so that they meet.
import fc from "fast-check";
import type { Message, Operation } from "../../../spec/contract.ts";
import { callsOf, type Protocol } from "../../model/protocol.ts";
import { type Arbitraries, createArbitraries } from "../../schema/arbitrary.ts";
import { createSchemaValidator } from "../../schema/schema-validator.ts";
import { type CaseConnection, fieldsOf, operationsOf, type StatefulCase, type Step, type Sync } from "./case.ts";

export interface CaseOptions {
  /** Nodes of the target, from 1. */
  readonly nodes: number;
  /** Steps of a case, default 4 to 20. */
  readonly steps?: StepCount;
  /** Whether credentials expire in them, renewed or not. Default false. */
  readonly expiring?: boolean;
}

export interface StepCount {
  readonly min: number;
  readonly max: number;
}

const anyLength: StepCount = { min: 4, max: 20 };

/** Cases for the operations of the protocol. @throws UnsatisfiableSchema where a message has no valid value */
export function caseArbitrary(
  protocol: Protocol,
  { nodes, steps: count = anyLength, expiring = false }: CaseOptions,
): fc.Arbitrary<StatefulCase> {
  const { definitions } = protocol.contract;
  const arbitraries = createArbitraries(definitions, createSchemaValidator(definitions).compile);
  const sync = fc.oneof(
    { weight: 4, arbitrary: fc.constant("fence" as const) },
    { weight: 4, arbitrary: fc.constant("reply" as const) },
    { weight: 3, arbitrary: fc.constant("none" as const) },
  );
  const connection = fc.nat(3);
  const sends = operationsOf(protocol).map((operation) => ({
    weight: weightOf(protocol, operation.id, expiring),
    arbitrary: sendArbitrary(protocol, arbitraries, operation.id, connection, sync, expiring),
  }));
  const calls = callsOf(protocol.contract).map((operation) => ({
    weight: 4,
    arbitrary: callArbitrary(protocol, arbitraries, operation, connection, sync),
  }));
  // What becomes of a malformed frame is known only where the document has an error for it.
  const malformed = (["not-json", "unknown-type"] as const).filter(
    (kind) => protocol.contract.errors?.codes.some(({ when }) => when === kind) && (kind === "not-json" || protocol.tagAt),
  );
  const steps: fc.Arbitrary<Step> = fc.oneof(
    ...sends,
    ...calls,
    ...(malformed.length === 0
      ? []
      : [
          {
            weight: 1,
            arbitrary: fc.record({
              do: fc.constant("malformed" as const),
              connection,
              kind: fc.constantFrom(...malformed),
              sync,
            }),
          },
        ]),
    {
      weight: expiring ? 1 : 2,
      arbitrary: fc.record({
        do: fc.constant("hang-up" as const),
        connection,
        how: fc.constantFrom("clean" as const, "reset" as const, "half-close" as const),
        sync,
      }),
    },
    { weight: expiring ? 1 : 3, arbitrary: fc.record({ do: fc.constant("reconnect" as const), connection, sync }) },
    ...(expiring ? [{ weight: 3, arbitrary: waitArbitrary(connection, sync) }] : []),
  );
  const mostly = fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) });
  const connections: fc.Arbitrary<CaseConnection> = fc.record({
    ...{ user: fc.nat(2), node: fc.nat(nodes - 1), member: mostly },
    ...(expiring ? { expires: mostly } : {}),
  });
  return fc.record({
    connections: fc.array(connections, { minLength: 2, maxLength: 4, size: "max" }),
    steps: fc.array(steps, { minLength: count.min, maxLength: count.max, size: "max" }),
  });
}

/** The first of a user that is to repeat something has nothing to repeat, and is new. */
const onceArbitrary = fc.constantFrom("no" as const, "new" as const, "again" as const, "again" as const);

function callArbitrary(
  { contract }: Protocol,
  arbitraries: Arbitraries,
  { id, messages, effects }: Operation,
  connection: fc.Arbitrary<number>,
  sync: fc.Arbitrary<Sync>,
): fc.Arbitrary<Step> {
  const message = contract.messages.find(({ name }) => name === messages[0]);
  if (message === undefined) throw new Error(`no message for ${id}`);
  const once = effects.some((effect) => effect.kind === "once" && effect.key.kind === "header");
  return fc.record({
    do: fc.constant("call" as const),
    connection,
    operation: fc.constant(id),
    frame: arbitraries.of(message.payload, message.pointer),
    key: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constant(1) }),
    once: once ? onceArbitrary : fc.constant("no" as const),
    sync,
  });
}

function waitArbitrary(connection: fc.Arbitrary<number>, sync: fc.Arbitrary<Sync>): fc.Arbitrary<Step> {
  return fc.record({
    do: fc.constant("wait" as const),
    connection,
    until: fc.constantFrom("expiry" as const, "close" as const),
    sync,
  });
}

/** Operations that deliver to a relation are sent most, because most can go wrong there; where credentials expire, their renewal. */
function weightOf(protocol: Protocol, id: string, expiring: boolean): number {
  const operation = operationsOf(protocol).find((candidate) => candidate.id === id);
  const delivers = operation?.effects.some((effect) => effect.kind === "deliver" && effect.to.kind === "relation") ?? false;
  const changes = operation?.effects.some(({ kind }) => kind === "add" || kind === "remove") ?? false;
  const renews = operation?.effects.some(({ kind }) => kind === "renew") ?? false;
  if (renews && expiring) return 16;
  return delivers && !changes ? 6 : 4;
}

function sendArbitrary(
  protocol: Protocol,
  arbitraries: Arbitraries,
  id: string,
  connection: fc.Arbitrary<number>,
  sync: fc.Arbitrary<Sync>,
  expiring: boolean,
): fc.Arbitrary<Step> {
  const operation = operationsOf(protocol).find((candidate) => candidate.id === id);
  const message = protocol.contract.messages.find(({ name, format }) => operation?.messages.includes(name) && format === "json");
  if (operation === undefined || message === undefined) throw new Error(`no JSON message for ${id}`);
  const roles = [...fieldsOf(protocol, operation).values()].map(({ role }) => role);
  const rarely = <T, U>(usual: T, ...others: U[]) =>
    fc.oneof(
      { weight: 2, arbitrary: fc.constant(usual) },
      ...others.map((other) => ({ weight: 1, arbitrary: fc.constant(other) })),
    );
  return fc.record({
    do: fc.constant("send" as const),
    connection,
    operation: fc.constant(id),
    frame: framesOf(operation, message, arbitraries),
    ...(operation.replyWhen === "when-correlated" ? { correlated: fc.boolean() } : {}),
    key: fc.oneof(
      { weight: 6, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.constant(1) },
      { weight: 1, arbitrary: fc.constant(2) },
    ),
    to: roles.includes("attribute") ? fc.integer({ min: -1, max: 3 }) : fc.constant(0),
    credential: roles.includes("credential")
      ? expiring
        ? fc.constantFrom("good", "good", "good", "good", "short-lived", "short-lived", "bad", "other", "lacking", "changed")
        : rarely("good" as const, "bad" as const, "other" as const, "lacking" as const, "changed" as const)
      : fc.constant("good" as const),
    once: roles.includes("once") ? onceArbitrary : fc.constant("no" as const),
    since: roles.includes("since")
      ? rarely("no" as const, "last" as const, "last" as const, "stale" as const, "future" as const)
      : fc.constant("no" as const),
    sync,
  });
}

/** What may be sent of the operation: anything that its schema allows, or its examples alone. */
function framesOf({ exercise }: Operation, message: Message, arbitraries: Arbitraries): fc.Arbitrary<unknown> {
  if (exercise === "examples") return fc.constantFrom(...message.examples.map(({ payload }) => payload));
  return arbitraries.of(message.payload, message.pointer);
}

/** Case number `index` of the seed: a case does not depend on how many come before it. */
export function drawCase(arbitrary: fc.Arbitrary<StatefulCase>, seed: number, index: number): StatefulCase {
  const [drawn] = fc.sample(fc.noBias(arbitrary), { seed: (seed * 1_000_003 + index) | 0, numRuns: 1 });
  if (drawn === undefined) throw new Error("fast-check generated nothing");
  return drawn;
}
