// Runs one case against the target and judges what happened. Nothing sleeps to prove silence: a fence or the contract's deadline does.

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
import { bindStep, briefCredential, type Slot, type Table } from "./bind.ts";
import { Budget } from "./budget.ts";
import { beginCall, type Call } from "./call.ts";
import { askedOf, type CallStep, type CaseLink, operationsOf, type SendStep, type StatefulCase, type Step } from "./case.ts";

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
  readonly judgement: EvaluationResult;
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
  /** Connection -> when the credential runs out that it opened with, where that is soon. */
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
    const table = await this.#sit();
    await this.#joinMembers(table);
    for (const [index, step] of this.#plan.steps.entries()) {
      if (this.#stalled) break;
      this.#options.onStep?.(step, index);
      if (await this.#step(table, step)) this.#taken++;
    }
    return this.#conclude(table);
  }

  /** Opens the connections of the case. */
  async #sit(): Promise<Table> {
    const context = this.#context;
    const users = new Map<number, User>();
    const slots: Slot[] = [];
    for (const { user, node } of this.#plan.links) {
      if (!users.has(user)) users.set(user, await this.#createUser(user));
      slots.push({ user: users.get(user)!, node: node % context.target.urls.length, peer: undefined, connections: new Set() });
    }
    const keys = [context.fresh("key"), context.fresh("key"), context.fresh("key")];
    const table: Table = { context, protocol: this.#protocol, slots, keys, credentials: new Map(), keyed: new Map() };
    await Promise.all(slots.map((slot, at) => this.#dial(slot, this.#plan.links[at]?.expires === true ? table : undefined)));
    return table;
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

  /** @param brief where its credential shall run out soon */
  async #dial(slot: Slot, brief?: Table): Promise<void> {
    const { user, node } = slot;
    const soon = brief === undefined ? undefined : await briefCredential(brief, user).catch(ignoreNotTestable);
    try {
      slot.peer = await this.#context.dial({ user, node, ...(soon === undefined ? {} : { credential: soon.token }) });
      slot.connections.add(slot.peer.connection);
      if (soon !== undefined) this.#expiry.set(slot.peer.connection, soon.expiresAtMs);
    } catch (error) {
      // It has run out on the way: the machine is busy.
      if (soon !== undefined && this.#context.clock.nowMs() >= soon.expiresAtMs) return this.#dial(slot);
      if (!(error instanceof Violation)) throw error;
      this.#troubles.push(`a connection could not be opened: ${error.message}`);
      this.#stalled = true;
    }
  }

  /** Brings those who are members from the start into the first key of every relation. */
  async #joinMembers(table: Table) {
    const joins = operationsOf(this.#protocol).filter(({ effects }) => effects.some(({ kind }) => kind === "add"));
    for (const operation of joins) {
      const message = this.#protocol.contract.messages.find(({ name }) => operation.messages.includes(name));
      const [example] = message?.examples ?? [];
      if (example === undefined) continue;
      const base = { do: "send", operation: operation.id, frame: example.payload, key: 0, to: 0 } as const;
      const quiet = { credential: "good", once: "no", since: "no", sync: "reply" } as const;
      const members = this.#plan.links.flatMap(({ member }: CaseLink, link) => (member ? [link] : []));
      await Promise.all(members.map((link) => this.#send(table, { ...base, ...quiet, link })));
    }
  }

  /** @returns whether anything was done */
  async #step(table: Table, step: Step): Promise<boolean> {
    const slot = table.slots[step.link % table.slots.length];
    if (slot === undefined) return false;
    const taken = await this.#perform(table, step, slot);
    if (step.sync === "fence") await this.#fenceAll(table, true);
    return taken;
  }

  async #perform(table: Table, step: Step, slot: Slot): Promise<boolean> {
    if (step.do === "send") return this.#send(table, step);
    if (step.do === "call") return this.#call(table, step, slot);
    const open = slot.peer !== undefined && slot.peer.closed === undefined;
    if (step.do === "reconnect") {
      if (slot.peer !== undefined) this.#hangUp(slot, "clean");
      await this.#dial(slot);
      return true;
    }
    if (step.do === "hang-up") {
      this.#hangUp(slot, step.how);
      return open;
    }
    if (step.do === "wait") return this.#wait(slot, step.until);
    if (!open || !this.#budget.spendMalformed(slot)) return false;
    slot.peer?.sendText(
      step.kind === "not-json"
        ? "{"
        : JSON.stringify(withValueAt({}, this.#protocol.tagAt ?? "/type", this.#context.fresh("unknown"))),
    );
    return true;
  }

  async #send(table: Table, step: SendStep): Promise<boolean> {
    const slot = table.slots[step.link % table.slots.length];
    const operation = operationsOf(this.#protocol).find(({ id }) => id === step.operation);
    if (slot?.peer === undefined || slot.peer.closed !== undefined || operation === undefined) return false;
    const frame = await bindStep(table, step, slot);
    if (frame === undefined || slot.peer.closed !== undefined || !this.#budget.spend(slot, operation)) return false;
    const { peer } = slot;
    if (operation.reply === undefined || step.sync === "none") peer.sendText(JSON.stringify(frame));
    else await this.#patiently(peer, peer.request(frame, { withinMs: this.#patienceMs() }));
    return true;
  }

  /** @returns whether there was anything to wait for */
  async #wait(slot: Slot, until: "expiry" | "close"): Promise<boolean> {
    const expiresAtMs = slot.peer === undefined ? undefined : this.#expiry.get(slot.peer.connection);
    const grace = graceOf({ protocol: this.#protocol });
    if (slot.peer?.closed !== undefined || expiresAtMs === undefined || grace === undefined) return false;
    const untilMs = until === "expiry" ? expiresAtMs + 50 : expiresAtMs + this.#context.effective(grace) + 500;
    const leftMs = untilMs - this.#context.clock.nowMs();
    if (leftMs <= 0) return false;
    await this.#context.until("a close", () => slot.peer?.closed, { withinMs: leftMs }).catch(ignoreViolation);
    return true;
  }

  /** The user asks over HTTP, for as long as there is a connection by which the budget knows it. */
  async #call(table: Table, step: CallStep, slot: Slot): Promise<boolean> {
    const operation = callsOf(this.#protocol.contract).find(({ id }) => id === step.operation);
    if (operation === undefined || slot.peer === undefined || !this.#budget.spend(slot, operation)) return false;
    const call = beginCall(table, step, slot, this.#calls.length, this.#kept);
    if (call === undefined) return false;
    this.#calls.push(call);
    if (step.sync !== "none") await call.done;
    return true;
  }

  #patienceMs(): number {
    return this.#options.deadlineMs ?? this.#context.timeoutMs;
  }

  /** Waits, and takes note where it was in vain: the judge will say what that means, and what it means that the connection was closed. */
  async #patiently(peer: TestClient, promise: Promise<unknown>) {
    try {
      await promise;
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      if (peer.closed === undefined) this.#stalled = true;
    }
  }

  #hangUp(slot: Slot, how: "clean" | "reset" | "half-close") {
    const { peer } = slot;
    slot.peer = undefined;
    if (peer === undefined || peer.closed !== undefined) return;
    if (how === "reset") peer.reset();
    else if (how === "half-close") {
      this.#halfClosed.set(peer.connection, this.#context.clock.nowMs());
      peer.endTcp();
    } else void peer.hangUp();
  }

  /** Each connection fences for itself; then what they still must receive gets a moment to come. */
  async #fenceAll(table: Table, sparing: boolean) {
    const startMs = this.#context.clock.nowMs();
    const open = table.slots.filter(
      (slot) => slot.peer !== undefined && slot.peer.closed === undefined && this.#budget.spendFence(slot, sparing),
    );
    await Promise.all(
      open.map(({ peer }) => this.#patiently(peer as TestClient, (peer as TestClient).fence({ withinMs: this.#patienceMs() }))),
    );
    this.#fenceMs = Math.max(this.#fenceMs, this.#context.clock.nowMs() - startMs);
  }

  /** Waits for what the clock alone decides: credentials that run out, all at the same time. */
  async #outwait(table: Table): Promise<EvaluationResult> {
    const { clock } = this.#context;
    for (;;) {
      const judgement = this.#judge(table);
      const timed = judgement.open.filter(({ decidedAtMs }) => decidedAtMs !== undefined && decidedAtMs > this.#aliveAtMs);
      const dueMs = Math.max(...timed.map(({ decidedAtMs }) => decidedAtMs ?? 0));
      if (timed.length === 0 || this.#isDecided(judgement)) return judgement;
      const waiting = new Set(timed.map(({ connection }) => connection));
      const peers = table.slots.flatMap(({ peer }) => (peer !== undefined && waiting.has(peer.connection) ? [peer] : []));
      const oneEnded = () => (peers.some(({ closed }) => closed !== undefined) ? true : undefined);
      try {
        await this.#context.until("a close", oneEnded, { withinMs: Math.max(0, dueMs - clock.nowMs()) });
      } catch (error) {
        ignoreViolation(error); // it came after the target had shown that it is alive
        this.#aliveAtMs = dueMs;
      }
    }
  }

  async #conclude(table: Table): Promise<Executed> {
    await Promise.all(this.#calls.map(({ done }) => done));
    const timed = await this.#outwait(table);
    if (!this.#isDecided(timed)) await this.#fenceAll(table, false);
    let judgement = this.#judge(table);
    const { clock } = this.#context;
    const untilMs = clock.nowMs() + this.#deadlineMs();
    while (judgement.open.length > 0 && !this.#isDecided(judgement) && clock.nowMs() < untilMs) {
      await this.#more(untilMs);
      judgement = this.#judge(table);
    }
    if (judgement.open.length > 0 && !this.#isDecided(judgement)) {
      await this.#fenceAll(table, false);
      judgement = this.#judge(table);
    }
    const lingerUntilMs = clock.nowMs() + (this.#options.lingerMs ?? 0);
    while (!this.#isDecided(judgement) && clock.nowMs() < lingerUntilMs) {
      await this.#more(lingerUntilMs);
      judgement = this.#judge(table);
    }
    return { judgement, history: this.#history(), fenceMs: this.#fenceMs, taken: this.#taken };
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

  #judge(table: Table): EvaluationResult {
    const { deadlineMs } = this.#options;
    const knowledge: Knowledge = {
      claimsOf: (user) => this.#users.get(user)?.claims ?? new Map(),
      credentials: table.credentials,
      expiryOf: (connection) => this.#expiry.get(connection),
      aliveAtMs: this.#aliveAtMs,
      accepts: (message, frame) => this.#context.wrongWith(message, frame).length === 0,
      ...(deadlineMs === undefined ? {} : { deadlineMs }),
    };
    const judgement = evaluate(this.#protocol, this.#history(), knowledge);
    return { ...judgement, inconclusive: [...judgement.inconclusive, ...this.#troubles] };
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
