// Requirements about relations: what lacks one, or has one that must be absent, is refused with the error that the document names.

import type { Contract, ErrorCode, Operation, Requirement } from "../../../../spec/contract.ts";
import { lookup } from "../../../../spec/pointer.ts";
import type { ContractUnderTest } from "../../../client/context.ts";
import { withValueAt } from "../../../client/messages.ts";
import { expectSuccess } from "../../../client/outcome.ts";
import { satisfyPreconditions, userFor } from "../../../client/preconditions.ts";
import type { Received } from "../../../client/received.ts";
import type { TestClient } from "../../../client/test-client.ts";
import { NotTestable, Violation } from "../../../schema/errors.ts";
import { equalJson } from "../../../schema/json.ts";
import { answerTo, expectRefused, shortened } from "../../answer.ts";
import type { Context } from "../../context.ts";
import { faults } from "../../faults/fault.ts";
import { type Clause, type Rule, rule } from "../../rule.ts";
import { type ClientMessage, clientMessages } from "../client-messages.ts";

type RelationRequirement = Extract<Requirement, { kind: "relation" }>;

interface RequirementPromise extends Clause {
  readonly client: ClientMessage;
  readonly requirement: RelationRequirement;
  readonly error: ErrorCode;
}

/** Requirements whose violation can be brought about and seen: by an error message, or by the close that the error is. */
function demands(subject: ContractUnderTest): readonly RequirementPromise[] {
  const { contract, channel } = subject;
  if (channel.delivery?.fence === undefined) return [];
  return clientMessages(subject)
    .filter(({ operation, message }) => operation.messages[0] === message.name)
    .flatMap((client) =>
      client.operation.requires.flatMap((requirement) => {
        const error = contract.errors?.codes.find(({ code }) => code === requirement.else);
        if (requirement.kind !== "relation" || error === undefined) return [];
        const isSeen = error.close !== undefined || client.operation.reply !== undefined;
        const adds = (operation: Operation) => isAdding(operation, requirement.relation);
        const isMade = !requirement.present && !contract.operations.some(adds);
        return isSeen && !isMade ? [{ pointer: requirement.pointer, client, requirement, error }] : [];
      }),
    );
}

/** Of them those about a name that the message carries. */
const named = (subject: ContractUnderTest) => demands(subject).filter(({ requirement }) => columnsOf(requirement).length > 0);

const columnsOf = ({ where }: RelationRequirement) =>
  [...where].flatMap(([column, value]) => (value.kind === "message" ? [{ column, pointer: value.pointer }] : []));

const isAdding = ({ effects }: Operation, relation: string) =>
  effects.some((effect) => effect.kind === "add" && effect.relation === relation);

/** A message of the server by which the relation ends for this very tuple. */
function isEnding(contract: Contract, { relation }: RelationRequirement, sent: unknown, where: RelationRequirement["where"]) {
  const endings = contract.operations
    .filter(({ action }) => action === "send")
    .flatMap(({ messages, effects }) =>
      effects.flatMap((effect) =>
        effect.kind === "remove" && effect.relation === relation
          ? messages.map((name) => ({ name, bound: [...effect.where] }))
          : [],
      ),
    );
  return ({ name, value }: Received) =>
    endings.some(
      (ending) =>
        ending.name === name &&
        ending.bound.every(([column, at]) => {
          const asked = where.get(column);
          return (
            at.kind !== "message" ||
            asked?.kind !== "message" ||
            equalJson(lookup(value, at.pointer), lookup(sent, asked.pointer))
          );
        }),
    );
}

/** The longest name of these lengths that the message may carry. */
const lengths = [200, 64, 32, 16];

function longNames(context: Context, { client, requirement }: RequirementPromise): Map<string, unknown> {
  const { message } = client;
  const keys = new Map<string, unknown>();
  for (const { column, pointer } of columnsOf(requirement)) {
    const name = context.fresh(column);
    const long = lengths
      .map((length) => name.padEnd(length, "x"))
      .find((text) => context.wrongWith(message.name, withValueAt(context.example(message.name), pointer, text)).length === 0);
    if (long === undefined) throw new NotTestable(`no long name fits at ${pointer} of ${message.name}`);
    keys.set(column, long);
  }
  return keys;
}

/** Sends the message where the requirement does not hold, with each example until one decides. */
async function expectEnforced(context: Context, promise: RequirementPromise, isLong: boolean): Promise<void> {
  for (const { payload } of promise.client.message.examples) {
    const keys = isLong ? longNames(context, promise) : new Map<string, unknown>();
    if (await isEnforced(context, promise, payload, keys)) return;
  }
  const { relation } = promise.requirement;
  throw new NotTestable(
    `the server ended the relation ${relation} before it could be in the way: give ${promise.client.message.name} an example that lasts`,
  );
}

/** @returns false where nothing is proven, because the server may have ended the relation. @throws Violation where it is not enforced */
async function isEnforced(
  context: Context,
  { client, requirement, error }: RequirementPromise,
  example: unknown,
  keys: Map<string, unknown>,
): Promise<boolean> {
  const { operation, message } = client;
  const testClient = await context.dial({ user: await userFor(context, operation), logsIn: false });
  const before = operation.requires.slice(0, operation.requires.indexOf(requirement));
  for (const { column } of columnsOf(requirement)) if (!keys.has(column)) keys.set(column, context.freshKey(column));
  const base = await satisfyPreconditions(context, testClient, { ...operation, requires: before }, keys, example);
  const sent = columnsOf(requirement).reduce((bound, { column, pointer }) => withValueAt(bound, pointer, keys.get(column)), base);
  if (!requirement.present) await makePresent(context, testClient, client, requirement, keys, sent);
  const again = withFreshId(context, client, requirement, sent);
  const answer = await answerTo(context, testClient, JSON.stringify(again));
  const ends = isEnding(context.contract, requirement, sent, requirement.where);
  if (!requirement.present && answer.kind !== "refused" && answer.kind !== "closed") {
    if (answer.came.some(ends)) return false;
    // Its end may be told later than the fence is answered.
    const ended = await testClient.receive(ends, { withinMs: lateMs }).catch(undefinedIfViolation);
    if (ended !== undefined) return false;
  }
  const state = requirement.present ? "is missing" : "is there already";
  const what = `\`${message.name}\` where ${requirement.relation} ${state}: ${shortened(JSON.stringify(again))}`;
  expectRefused(answer, [error], what);
  context.judged();
  return true;
}

/** How long the server may take to tell that a relation has ended. */
const lateMs = 1_000;

function undefinedIfViolation(error: unknown): undefined {
  if (!(error instanceof Violation)) throw error;
}

/** Brings the relation about for these keys, by the operation itself where it adds it. */
async function makePresent(
  context: Context,
  testClient: TestClient,
  { operation }: ClientMessage,
  { relation }: RelationRequirement,
  keys: Map<string, unknown>,
  sent: unknown,
): Promise<void> {
  const adding = isAdding(operation, relation)
    ? operation
    : context.contract.operations.find((one) => one.action === "receive" && isAdding(one, relation));
  if (adding === undefined) throw new NotTestable(`no operation adds the relation ${relation}`);
  const first = adding === operation ? sent : await satisfyPreconditions(context, testClient, adding, keys);
  if (adding.reply === undefined) {
    testClient.send(first);
    return;
  }
  expectSuccess(context, adding, await testClient.request(first));
}

/** A second request has an id of its own, unless the id is what the requirement is about. */
function withFreshId(context: Context, { message }: ClientMessage, requirement: RelationRequirement, sent: unknown): unknown {
  const { correlation } = message;
  if (correlation === undefined || columnsOf(requirement).some(({ pointer }) => pointer === correlation)) return sent;
  return withValueAt(sent, correlation, context.id(message.name));
}

function brokenBy({ client, error }: RequirementPromise, { contract }: ContractUnderTest) {
  return contract.errors?.reply.message === undefined && error.close !== undefined
    ? faults.neverCloses(error.close)
    : faults.acceptsRefused(client.operation.id, error.code);
}

export const requirementRules: readonly Rule[] = [
  rule<RequirementPromise>({
    id: "examples-requirement-rejected",
    level: "MUST",
    phase: "examples",
    title: "rejects an operation whose required relation is missing, or whose excluded relation exists",
    from: demands,
    check: (context, promise) => expectEnforced(context, promise, false),
    brokenBy,
  }),

  rule<RequirementPromise>({
    id: "examples-requirement-rejected-long",
    level: "MUST",
    phase: "examples",
    title: "rejects it with the same error when the name is long",
    from: named,
    check: (context, promise) => expectEnforced(context, promise, true),
    brokenBy,
  }),
];
