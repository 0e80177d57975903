// Runs one case against the target and evaluates its history. No sleep proves silence: a fence or the contract's deadline does.

import { withValueAt } from "../../client/messages.ts";
import { requiredClaims } from "../../client/preconditions.ts";
import type { User } from "../../client/received.ts";
import type { TestClient } from "../../client/test-client.ts";
import { graceOf } from "../../model/credential-validity.ts";
import { evaluate } from "../../model/evaluate.ts";
import type { EvaluationResult } from "../../model/evaluation-result.ts";
import type { History, HistoryEvent } from "../../model/history.ts";
import { callsOf, type Protocol } from "../../model/protocol.ts";
import type { Knowledge } from "../../model/trace.ts";
import { NotTestable, Violation } from "../../schema/errors.ts";
import type { Context } from "../context.ts";
import { bindStep, type CaseState, type Participant, shortLivedCredential } from "./bind.ts";
import { Budget } from "./budget.ts";
import { beginCall, type Call } from "./call.ts";
import {
  askedOf,
  type CallStep,
  type CaseConnection,
  operationsOf,
  type SendStep,
  type StatefulCase,
  type Step,
} from "./case.ts";

export interface ExecuteOptions {
  /** In place of the contract's deadlines, in ms; used while shrinking. */
  readonly deadlineMs?: number | undefined;
  /** How long to look for what may still come where nothing is found, in ms, default 0: no fence holds for a close that is under way. */
  readonly lingerMs?: number;
  /** A finding of another rule does not end the wait for what these still wait for. Default: a finding of any rule does. */
  readonly asked?: ReadonlySet<string>;
  /** Called before each step, with what it will do or why it is left out. */
  readonly onStep?: (step: Step, index: number) => void;
}

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
  readonly #troubles: string[] = [];
  #fenceMs = 0;
  readonly #calls: Call[] = [];
  /** Requests over HTTP that may be repeated. */
  readonly #kept: Parameters<typeof beginCall>[4] = new Map();
  #taken = 0;
  /** The target was alive then, and what it had sent by then has been read. */
  #aliveAtMs = 0;
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
    return this.#conclude(state);
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
    const keys = [context.fresh("key"), context.fresh("key"), context.fresh("key")];
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
    const joins = operationsOf(this.#protocol).filter(({ effects }) => effects.some(({ kind }) => kind === "add"));
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
    participant.client?.sendText(
      step.kind === "not-json"
        ? "{"
        : JSON.stringify(withValueAt({}, this.#protocol.tagAt ?? "/type", this.#context.fresh("unknown"))),
    );
    return true;
  }

  async #send(state: CaseState, step: SendStep): Promise<boolean> {
    const participant = state.participants[step.connection % state.participants.length];
    const operation = operationsOf(this.#protocol).find(({ id }) => id === step.operation);
    if (participant?.client === undefined || participant.client.closed !== undefined || operation === undefined) return false;
    const frame = await bindStep(state, step, participant);
    if (frame === undefined || participant.client.closed !== undefined || !this.#budget.spend(participant, operation))
      return false;
    const { client } = participant;
    if (operation.reply === undefined || step.sync === "none") client.sendText(JSON.stringify(frame));
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
    await Promise.all(
      open.map(({ client }) =>
        this.#patiently(client as TestClient, (client as TestClient).fence({ withinMs: this.#patienceMs() })),
      ),
    );
    this.#fenceMs = Math.max(this.#fenceMs, this.#context.clock.nowMs() - startMs);
  }

  /** Waits for what the clock alone decides: credentials that expire, all at the same time. */
  async #outwait(state: CaseState): Promise<EvaluationResult> {
    const { clock } = this.#context;
    for (;;) {
      const result = this.#evaluate(state);
      const timed = result.open.filter(({ decidedAtMs }) => decidedAtMs !== undefined && decidedAtMs > this.#aliveAtMs);
      const dueMs = Math.max(...timed.map(({ decidedAtMs }) => decidedAtMs ?? 0));
      if (timed.length === 0 || this.#isDecided(result)) return result;
      const waiting = new Set(timed.map(({ connection }) => connection));
      const clients = state.participants.flatMap(({ client }) =>
        client !== undefined && waiting.has(client.connection) ? [client] : [],
      );
      const oneEnded = () => (clients.some(({ closed }) => closed !== undefined) ? true : undefined);
      try {
        await this.#context.until("a close", oneEnded, { withinMs: Math.max(0, dueMs - clock.nowMs()) });
      } catch (error) {
        ignoreViolation(error); // it came after the target had shown that it is alive
        this.#aliveAtMs = dueMs;
      }
    }
  }

  async #conclude(state: CaseState): Promise<Executed> {
    await Promise.all(this.#calls.map(({ done }) => done));
    const timed = await this.#outwait(state);
    if (!this.#isDecided(timed)) await this.#fenceAll(state, false);
    let result = this.#evaluate(state);
    const { clock } = this.#context;
    const untilMs = clock.nowMs() + this.#deadlineMs();
    while (result.open.length > 0 && !this.#isDecided(result) && clock.nowMs() < untilMs) {
      await this.#more(untilMs);
      result = this.#evaluate(state);
    }
    if (result.open.length > 0 && !this.#isDecided(result)) {
      await this.#fenceAll(state, false);
      result = this.#evaluate(state);
    }
    const lingerUntilMs = clock.nowMs() + (this.#options.lingerMs ?? 0);
    while (!this.#isDecided(result) && clock.nowMs() < lingerUntilMs) {
      await this.#more(lingerUntilMs);
      result = this.#evaluate(state);
    }
    return { result, history: this.#history(), fenceMs: this.#fenceMs, taken: this.#taken };
  }

  /** Until something more happens on the connections of the case, or that moment. */
  async #more(untilMs: number) {
    const { clock } = this.#context;
    const known = this.#context.history().length;
    const grown = () => (this.#context.history().length > known ? true : undefined);
    await this.#context.until("something more", grown, { withinMs: Math.max(1, untilMs - clock.nowMs()) }).catch(ignoreViolation);
  }

  #isDecided({ findings }: EvaluationResult): boolean {
    const { asked } = this.#options;
    return findings.some(({ rule }) => asked === undefined || asked.has(rule));
  }

  #deadlineMs(): number {
    const streams = this.#protocol.channel.delivery?.streams ?? [];
    return (this.#options.deadlineMs ?? Math.max(1_000, ...streams.map(({ withinMs }) => withinMs))) + 5;
  }

  #evaluate(state: CaseState): EvaluationResult {
    const { deadlineMs } = this.#options;
    const knowledge: Knowledge = {
      claimsOf: (user) => this.#users.get(user)?.claims ?? new Map(),
      credentials: state.credentials,
      expiryOf: (connection) => this.#expiry.get(connection),
      aliveAtMs: this.#aliveAtMs,
      accepts: (message, frame) => this.#context.wrongWith(message, frame).length === 0,
      ...(deadlineMs === undefined ? {} : { deadlineMs }),
    };
    const result = evaluate(this.#protocol, this.#history(), knowledge);
    return { ...result, inconclusive: [...result.inconclusive, ...this.#troubles] };
  }

  /** A half-close is a hang-up too: what comes afterwards may or may not reach us. */
  #history(): History {
    const events = withCalls(this.#context.history(), this.#calls);
    if (this.#halfClosed.size === 0) return events;
    const told: HistoryEvent[] = [];
    const waiting = new Map(this.#halfClosed);
    for (const event of events) {
      for (const [connection, atMs] of waiting) {
        if (event.atMs < atMs) continue;
        told.push({ kind: "hang-up", connection, code: 1006, atMs });
        waiting.delete(connection);
      }
      told.push(event);
    }
    for (const [connection, atMs] of waiting) told.push({ kind: "hang-up", connection, code: 1006, atMs });
    return told;
  }
}

/** Puts what was sent before the events of its moment, so that nothing comes before its cause. */
function withCalls(events: History, calls: readonly Call[]): History {
  const more = calls.flatMap((call) => call.events).sort((a, b) => a.atMs - b.atMs);
  if (more.length === 0) return events;
  const merged: HistoryEvent[] = [];
  let next = 0;
  for (const event of events) {
    for (let one = more[next]; one !== undefined && one.atMs <= event.atMs; one = more[++next]) merged.push(one);
    merged.push(event);
  }
  return [...merged, ...more.slice(next)];
}

function ignoreNotTestable(error: unknown): undefined {
  if (!(error instanceof NotTestable)) throw error;
}

function ignoreViolation(error: unknown) {
  if (!(error instanceof Violation)) throw error;
}
