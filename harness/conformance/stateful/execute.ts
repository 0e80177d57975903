// Runs one case against the target and evaluates its history. No sleep proves silence: a fence or the contract's deadline does.

import { lookup } from "../../../spec/pointer.ts";
import { loginsOf } from "../../client/first-message.ts";
import { withValueAt } from "../../client/messages.ts";
import { requiredClaims } from "../../client/preconditions.ts";
import type { User } from "../../client/received.ts";
import type { TestClient } from "../../client/test-client.ts";
import { graceOf } from "../../model/credential-validity.ts";
import { evaluate } from "../../model/evaluate.ts";
import type { EvaluationResult } from "../../model/evaluation-result.ts";
import type { History } from "../../model/history.ts";
import { callsOf, type Protocol } from "../../model/protocol.ts";
import { type Knowledge, promisesReply } from "../../model/trace.ts";
import { NotTestable, Violation } from "../../schema/errors.ts";
import type { Context } from "../context.ts";
import { bindStep } from "./bind.ts";
import { Budget } from "./budget.ts";
import { beginCall, type Call } from "./call.ts";
import {
  askedOf,
  type CallStep,
  type CaseConnection,
  messageOf,
  operationsOf,
  type SendStep,
  type StatefulCase,
  type Step,
} from "./case.ts";
import { shortLivedCredential } from "./case-credentials.ts";
import { caseHistory } from "./case-history.ts";
import type { CaseState, Participant } from "./case-state.ts";
import { conclude, type ExecuteOptions, ignoreViolation } from "./conclude.ts";
import { createKeys } from "./keys.ts";

export interface Executed {
  readonly result: EvaluationResult;
  readonly history: History;
  /** Longest time that a fence of all connections took, in ms. */
  readonly fenceMs: number;
  /** Steps that were taken; left out are those for which the case has no connection or no valid message then, or that a limit forbids. */
  readonly taken: number;
}

/** Runs the case on fresh users, names and connections, which end with it. @throws TargetLost */
export async function execute(
  context: Context,
  protocol: Protocol,
  plan: StatefulCase,
  options: ExecuteOptions = {},
): Promise<Executed> {
  const part = context.part();
  try {
    return await new Execution(part.context, protocol, plan, options).run();
  } finally {
    await part.end();
  }
}

/** Keys that are drawn from a schema differ from case to case. */
let casesSoFar = 0;

class Execution {
  readonly #context: Context;
  readonly #protocol: Protocol;
  readonly #plan: StatefulCase;
  readonly #options: ExecuteOptions;
  readonly #budget: Budget;
  readonly #users = new Map<string, User>();
  readonly #halfClosed = new Map<number, number>();
  /** Connection -> when the short-lived credential that it opened with expires. */
  readonly #expiry = new Map<number, number>();
  /** Frame -> message -> whether it fits: the same history is evaluated many times. */
  readonly #accepted = new WeakMap<object, Map<string, boolean>>();
  readonly #troubles: string[] = [];
  #fenceMs = 0;
  readonly #calls: Call[] = [];
  /** Requests over HTTP that may be repeated. */
  readonly #kept: Parameters<typeof beginCall>[4] = new Map();
  #taken = 0;
  /** Something that should have come did not: no further step, only proof. */
  #stalled = false;

  constructor(context: Context, protocol: Protocol, plan: StatefulCase, options: ExecuteOptions) {
    this.#context = context;
    this.#protocol = protocol;
    this.#plan = plan;
    this.#options = options;
    this.#budget = new Budget(context, protocol);
  }

  async run(): Promise<Executed> {
    const state = await this.#openConnections();
    await this.#joinMembers(state);
    for (const [index, step] of this.#plan.steps.entries()) {
      if (this.#stalled) break;
      this.#options.onStep?.(step, index);
      if (await this.#step(state, step)) this.#taken++;
    }
    await Promise.all(this.#calls.map(({ done }) => done));
    const result = await conclude({
      context: this.#context,
      protocol: this.#protocol,
      options: this.#options,
      clients: () => state.participants.flatMap(({ client }) => client ?? []),
      evaluate: (aliveAtMs) => this.#evaluate(state, aliveAtMs),
      fenceAll: () => this.#fenceAll(state, false),
    });
    return { result, history: this.#history, fenceMs: this.#fenceMs, taken: this.#taken };
  }

  /** Opens the connections of the case. */
  async #openConnections(): Promise<CaseState> {
    const context = this.#context;
    const users = new Map<number, User>();
    const participants: Participant[] = [];
    for (const { user, node } of this.#plan.connections) {
      if (!users.has(user)) users.set(user, await this.#createUser(user));
      participants.push({
        user: users.get(user)!,
        node: node % context.target.urls.length,
        client: undefined,
        connections: new Set(),
      });
    }
    const keys = createKeys(context, this.#protocol, context.seed + casesSoFar++);
    const state: CaseState = { context, protocol: this.#protocol, participants, keys, credentials: new Map(), keyed: new Map() };
    await Promise.all(
      participants.map((participant, at) =>
        this.#dial(participant, this.#plan.connections[at]?.expires === true ? state : undefined),
      ),
    );
    return state;
  }

  /** Every other user has all the claims that operations require. */
  async #createUser(number: number): Promise<User> {
    const claims = requiredClaims(askedOf(this.#protocol));
    const user = await this.#context.user(number % 2 === 0 ? { claims } : {}).catch((error: unknown) => {
      if (error instanceof NotTestable) return this.#context.user();
      throw error;
    });
    this.#users.set(user.name, user);
    return user;
  }

  /** @param shortLived given where it opens with a short-lived credential */
  async #dial(participant: Participant, shortLived?: CaseState): Promise<void> {
    const { user, node } = participant;
    const soon = shortLived === undefined ? undefined : await shortLivedCredential(shortLived, user).catch(ignoreNotTestable);
    try {
      participant.client = await this.#context.dial({ user, node, ...(soon === undefined ? {} : { credential: soon.token }) });
      participant.connections.add(participant.client.connection);
      if (soon !== undefined) this.#expiry.set(participant.client.connection, soon.expiresAtMs);
    } catch (error) {
      // It has expired on the way: the machine is busy.
      if (soon !== undefined && this.#context.clock.nowMs() >= soon.expiresAtMs) return this.#dial(participant);
      if (!(error instanceof Violation)) throw error;
      this.#troubles.push(`a connection could not be opened: ${error.message}`);
      this.#stalled = true;
    }
  }

  /** Brings those who are members from the start into the first key of every relation. */
  async #joinMembers(state: CaseState) {
    const logins = loginsOf(this.#context); // performed by dial
    const joins = operationsOf(this.#protocol).filter(
      (one) => one.effects.some(({ kind }) => kind === "add") && !logins.includes(one),
    );
    for (const operation of joins) {
      const message = this.#protocol.contract.messages.find(({ name }) => operation.messages.includes(name));
      const [example] = message?.examples ?? [];
      if (example === undefined) continue;
      const base = { do: "send", operation: operation.id, frame: example.payload, key: 0, to: 0 } as const;
      const quiet = { credential: "good", once: "no", since: "no", sync: "reply" } as const;
      const members = this.#plan.connections.flatMap(({ member }: CaseConnection, connection) => (member ? [connection] : []));
      await Promise.all(members.map((connection) => this.#send(state, { ...base, ...quiet, connection })));
    }
  }

  /** @returns whether anything was done */
  async #step(state: CaseState, step: Step): Promise<boolean> {
    const participant = state.participants[step.connection % state.participants.length];
    if (participant === undefined) return false;
    const taken = await this.#perform(state, step, participant);
    if (step.sync === "fence") await this.#fenceAll(state, true);
    return taken;
  }

  async #perform(state: CaseState, step: Step, participant: Participant): Promise<boolean> {
    if (step.do === "send") return this.#send(state, step);
    if (step.do === "call") return this.#call(state, step, participant);
    const open = participant.client !== undefined && participant.client.closed === undefined;
    if (step.do === "reconnect") {
      if (participant.client !== undefined) this.#hangUp(participant, "clean");
      await this.#dial(participant);
      return true;
    }
    if (step.do === "hang-up") {
      this.#hangUp(participant, step.how);
      return open;
    }
    if (step.do === "wait") return this.#wait(participant, step.until);
    if (!open || !this.#budget.spendMalformed(participant)) return false;
    participant.client?.sendText(step.kind === "not-json" ? "{" : JSON.stringify(this.#unknownType()));
    return true;
  }

  /** A frame with a tag that the document does not know and nothing else wrong: all else is as in an example. */
  #unknownType(): unknown {
    const { tagAt = "/type", clientMessages, fence } = this.#protocol;
    const bases = clientMessages.filter(({ tag, examples }) => tag?.pointer === tagAt && examples.length > 0);
    const tagged = bases.find(({ name }) => fence?.messages.includes(name)) ?? bases.find((one) => one.correlation) ?? bases[0];
    const example = tagged?.examples[0]?.payload ?? {};
    const base =
      tagged?.correlation === undefined ? example : withValueAt(example, tagged.correlation, this.#context.id(tagged.name));
    return withValueAt(base, tagAt, this.#context.fresh("unknown"));
  }

  async #send(state: CaseState, step: SendStep): Promise<boolean> {
    const participant = state.participants[step.connection % state.participants.length];
    const operation = operationsOf(this.#protocol).find(({ id }) => id === step.operation);
    if (participant?.client === undefined || participant.client.closed !== undefined || operation === undefined) return false;
    const frame = await bindStep(state, step, participant);
    if (frame === undefined || participant.client.closed !== undefined || !this.#budget.spend(participant, operation))
      return false;
    const { client } = participant;
    this.#options.broadcasts?.announce(this, operation, frame, client);
    const { correlation } = this.#protocol.clientMessages.find(({ name }) => operation.messages.includes(name)) ?? {};
    const id = correlation === undefined ? undefined : lookup(frame, correlation);
    if (!promisesReply({ operation, id }) || step.sync === "none") client.sendText(JSON.stringify(frame));
    else await this.#patiently(client, client.request(frame, { withinMs: this.#patienceMs() }));
    return true;
  }

  /** @returns whether there was anything to wait for */
  async #wait(participant: Participant, until: "expiry" | "close"): Promise<boolean> {
    const expiresAtMs = participant.client === undefined ? undefined : this.#expiry.get(participant.client.connection);
    const grace = graceOf({ protocol: this.#protocol });
    if (participant.client?.closed !== undefined || expiresAtMs === undefined || grace === undefined) return false;
    const untilMs = until === "expiry" ? expiresAtMs + 50 : expiresAtMs + this.#context.effective(grace) + 500;
    const leftMs = untilMs - this.#context.clock.nowMs();
    if (leftMs <= 0) return false;
    await this.#context.until("a close", () => participant.client?.closed, { withinMs: leftMs }).catch(ignoreViolation);
    return true;
  }

  /** The user asks over HTTP, for as long as there is a connection by which the budget knows it. */
  async #call(state: CaseState, step: CallStep, participant: Participant): Promise<boolean> {
    const operation = callsOf(this.#protocol.contract).find(({ id }) => id === step.operation);
    if (operation === undefined || participant.client === undefined || !this.#budget.spend(participant, operation)) return false;
    const call = beginCall(state, step, participant, this.#calls.length, this.#kept);
    if (call === undefined) return false;
    this.#options.broadcasts?.announceAny(this);
    this.#calls.push(call);
    if (step.sync !== "none") await call.done;
    return true;
  }

  #patienceMs(): number {
    return this.#options.deadlineMs ?? this.#context.timeoutMs;
  }

  /** Waits. When nothing comes the case stops; the evaluation says what that means. */
  async #patiently(client: TestClient, promise: Promise<unknown>) {
    try {
      await promise;
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      if (client.closed === undefined) this.#stalled = true;
    }
  }

  #hangUp(participant: Participant, how: "clean" | "reset" | "half-close") {
    this.#options.broadcasts?.announceAny(this);
    const { client } = participant;
    participant.client = undefined;
    if (client === undefined || client.closed !== undefined) return;
    if (how === "reset") client.reset();
    else if (how === "half-close") {
      this.#halfClosed.set(client.connection, this.#context.clock.nowMs());
      client.endTcp();
    } else void client.hangUp();
  }

  /** Each connection fences for itself; then what they still must receive gets a moment to come. */
  async #fenceAll(state: CaseState, sparing: boolean) {
    const startMs = this.#context.clock.nowMs();
    const open = state.participants.filter(
      (participant) =>
        participant.client !== undefined &&
        participant.client.closed === undefined &&
        this.#budget.spendFence(participant, sparing),
    );
    await Promise.all(open.map(({ client }) => this.#patiently(client as TestClient, this.#probe(client as TestClient))));
    this.#fenceMs = Math.max(this.#fenceMs, this.#context.clock.nowMs() - startMs);
  }

  /** The fence; where the document has none, any request that must be answered shows that the connection is served. */
  async #probe(client: TestClient): Promise<void> {
    const operation =
      this.#protocol.fence === undefined
        ? operationsOf(this.#protocol).find(
            ({ reply, requires, effects }) =>
              reply !== undefined && requires.length === 0 && effects.every(({ kind }) => kind === "reply"),
          )
        : undefined;
    const [example] = operation === undefined ? [] : (messageOf(this.#protocol, operation)?.examples ?? []);
    if (example === undefined) await client.fence({ withinMs: this.#patienceMs() });
    else await client.request(example.payload, { withinMs: this.#patienceMs() });
  }

  readonly #accepts = (message: string, frame: unknown): boolean => {
    const isObject = typeof frame === "object" && frame !== null;
    const known = isObject ? this.#accepted.get(frame) : undefined;
    const answer = known?.get(message) ?? this.#context.wrongWith(message, frame).length === 0;
    if (isObject) this.#accepted.set(frame, (known ?? new Map()).set(message, answer));
    return answer;
  };

  get #history(): History {
    return caseHistory(this.#context.history(), this.#halfClosed, this.#calls);
  }

  #evaluate(state: CaseState, aliveAtMs: number): EvaluationResult {
    const { deadlineMs } = this.#options;
    const knowledge: Knowledge = {
      claimsOf: (user) => this.#users.get(user)?.claims ?? new Map(),
      credentials: state.credentials,
      expiryOf: (connection) => this.#expiry.get(connection),
      aliveAtMs,
      accepts: this.#accepts,
      replyWithinMs: this.#patienceMs(),
      elsewhere: (message, frame) => this.#options.broadcasts?.isElsewhere(this, message, frame) ?? false,
      ...(deadlineMs === undefined ? {} : { deadlineMs }),
    };
    const result = evaluate(this.#protocol, this.#history, knowledge);
    return { ...result, inconclusive: [...result.inconclusive, ...this.#troubles] };
  }
}

function ignoreNotTestable(error: unknown): undefined {
  if (!(error instanceof NotTestable)) throw error;
}
