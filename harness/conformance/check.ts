// One check of one rule: the context that it gets, its connections, and what it observed.
import type { ErrorValue, Heartbeat, Limit, RateLimit } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import type { ClientOwner } from "../client/client-owner.ts";
import type { CredentialOptions } from "../client/credentials.ts";
import { type Attempt, createRequest, type DialOptions, describeRequest, HandshakeRejected } from "../client/dial.ts";
import { logIn, sendOpening } from "../client/first-message.ts";
import type { IncidentalViolation } from "../client/incidental-violation.ts";
import { withValueAt } from "../client/messages.ts";
import type { Received, User } from "../client/received.ts";
import { TestClient } from "../client/test-client.ts";
import { until } from "../client/until.ts";
import { type Connected, connect } from "../client/wire/socket.ts";
import { emitRequest } from "../client/wire/upgrade.ts";
import type { HistoryEvent } from "../model/history.ts";
import { errorIn } from "../model/protocol.ts";
import { dataOf } from "../schema/contract-data.ts";
import { NotTestable } from "../schema/errors.ts";
import type { Json } from "../schema/json.ts";
import { NoUniqueValue } from "../schema/unique-values.ts";
import { shortened } from "./answer.ts";
import type { Context } from "./context.ts";
import type { Run } from "./run-state.ts";

export interface Check {
  readonly context: Context;
  readonly observed: number;
  /** Whoever takes some out has dealt with them. */
  readonly violations: IncidentalViolation[];
  readonly notes: readonly string[];
  /** Numbers of its connections. */
  readonly connections: ReadonlySet<number>;
  /** Closes what it left open. */
  end(): Promise<void>;
}

/** Violations of one kind and pointer that a check keeps. */
const keptViolations = 20;

/** Begins a check. Call `end` whatever its outcome. */
export function beginCheck(run: Run, evidence?: unknown): Check {
  const clients: TestClient[] = [];
  const connections = new Set<number>();
  const violations: IncidentalViolation[] = [];
  const notes = new Set<string>();
  let observed = 0;
  const forget = run.bounds.onEnd(() => {
    for (const client of clients) client.destroy();
  });
  const id = (message?: string) => messageId(run, message);
  const fresh = (kind = "n") => `${kind}-${run.label}-${run.count()}`;
  const owner: ClientOwner = {
    run,
    observed: () => observed++,
    report: (violation) => {
      const alike = violations.filter(({ kind, pointer }) => kind === violation.kind && pointer === violation.pointer);
      if (alike.length < keptViolations) violations.push(violation);
    },
    id,
    note: (text) => notes.add(text),
    async logIn(connection) {
      const client = clients.find((one) => one.connection === connection);
      if (client !== undefined) await logIn(context, client);
    },
  };

  const user = async (options: CredentialOptions = {}): Promise<User> => {
    const name = fresh("u");
    return { name, ...(await run.issueToken(name, options)) };
  };

  const attempt = async (options: DialOptions = {}): Promise<Attempt> => {
    const who =
      options.user ??
      (options.credential === undefined ? await user() : { name: fresh("u"), credential: undefined, claims: new Map() });
    const node = options.node ?? 0;
    const target = run.target.urls[node];
    if (target === undefined) throw new NotTestable(`needs ${node + 1} URLs, and ${run.target.urls.length} are given`);
    const connection = run.recorder.nextConnection();
    connections.add(connection);
    const credential = options.credential === null ? undefined : (options.credential ?? who.credential);
    const url = new URL(target);
    const request = createRequest({ url, channel: run.channel, options, credential, origin: run.target.origin, connection });
    const secrets = [credential ?? "", ...(options.also ?? []).map((one) => one.credential)];
    const isPlain = request.method !== "GET" && options.body !== undefined;
    const body = isPlain ? `, body ${shortened(Buffer.from(options.body ?? []).toString("utf8"))}` : "";
    run.recorder.record({ kind: "note", connection, text: describeRequest(request, secrets) + body });
    const { timeoutMs, insecure, ca } = run;
    run.bounds.opens();
    const connected = await connect({
      url,
      request,
      timeoutMs,
      insecure,
      ca,
      ...(options.body === undefined ? {} : { body: options.body }),
      ...(options.resetAfterMs === undefined ? {} : { resetAfterMs: options.resetAfterMs }),
    }).catch((error: unknown) => {
      run.bounds.closed();
      throw error;
    });
    if (connected.kind === "open") {
      const { socket, headers } = connected;
      const subprotocol = headers.get("sec-websocket-protocol") ?? "";
      const client = new TestClient(owner, socket, { connection, user: who, node, subprotocol, headers });
      clients.push(client);
      if (run.bounds.isOver) client.destroy();
      observed++;
      return { kind: "open", client };
    }
    run.bounds.closed();
    run.recorder.record({ kind: "note", connection, text: describeRefusal(connected) });
    observed++;
    return connected.kind === "refused" ? { ...connected, request: emitRequest(request) } : connected;
  };

  const dial = async (options: DialOptions = {}): Promise<TestClient> => {
    const answer = await attempt(options);
    if (answer.kind !== "open") throw new HandshakeRejected(answer, describeRefusal(answer));
    const { client } = answer;
    options.opened?.(client);
    const first = run.channel.handshake?.first;
    if (first !== undefined && (options.awaitFirst ?? run.firstWorks())) {
      client.first = await client.receiveNext(first);
      client.attributes = new Map(run.contract.state.attributes.map(({ name, at }) => [name, lookup(client.first?.value, at)]));
      run.audiences.opened(client.attributes);
    }
    if (options.stays === true) await sendOpening(context, client);
    if (options.logsIn !== false && options.awaitFirst !== false && run.fenceWorks()) await logIn(context, client);
    return client;
  };

  const context: Context = {
    contract: run.contract,
    channel: run.channel,
    target: run.target,
    clock: run.clock,
    seed: run.seed,
    runs: run.runs,
    timeoutMs: run.timeoutMs,
    evidence,
    dial,
    attempt,
    user,
    fresh,
    freshKey: (column) => dataOf(run.contract).columnValue(run.channel, column, fresh(column), run.count()),
    id,
    typedIds: (name) => dataOf(run.contract).typedIds(run.countRequest(), run.messages.message(name)),
    async credential({ name = fresh("u"), ...options } = {}) {
      const { credential } = await run.issueToken(name, options);
      if (credential === undefined) throw new NotTestable("the document asks for no credential");
      return credential;
    },
    effective: ((promise: Limit | RateLimit | Heartbeat) => effective(run, promise)) as Context["effective"],
    read: run.messages.read,
    wrongWith: run.validate,
    message: run.messages.message,
    example(name) {
      const message = run.messages.message(name);
      if (run.messages.operationOf(name)?.exercise === "never")
        throw new NotTestable(`the message ${name} must not be sent: x-exercise is never`);
      const example = message.examples[0];
      if (example === undefined) throw new NotTestable(`the message ${name} has no example`);
      return message.correlation === undefined ? example.payload : withValueAt(example.payload, message.correlation, id(name));
    },
    errorCode: (received) => errorCode(run, received),
    isTaken: (value) => run.audiences.isTaken(value),
    part() {
      const inner = beginCheck(run, evidence);
      return {
        context: inner.context,
        async end() {
          await inner.end();
          observed += inner.observed;
          violations.push(...inner.violations);
          for (const text of inner.notes) notes.add(text);
          run.recorder.forget(inner.connections);
        },
      };
    },
    judged: (count = 1) => {
      observed += count;
    },
    note: (text) => notes.add(text),
    hide: (text) => run.mask.hide(text),
    history: () => eventsOf(run, connections),
    until: (expected, condition, { withinMs = run.timeoutMs } = {}) =>
      until(condition, {
        ...{ expected, withinMs, clock: run.clock, observed: owner.observed, actual: () => "nothing that fits" },
        changed: (ms) => nextEvent(run, ms),
        assertTargetAlive: () => run.assertTargetAlive(),
      }),
  };

  return {
    context,
    get observed() {
      return observed;
    },
    violations,
    get notes() {
      return [...notes];
    },
    connections,
    async end() {
      await Promise.all(clients.map((client) => client.hangUp()));
      forget();
    },
  };
}

/** What the connections did, in order. */
export function eventsOf(run: Run, connections: ReadonlySet<number>): readonly HistoryEvent[] {
  return run.recorder.events.filter((event) => event.connection < 0 || connections.has(event.connection));
}

export function describeRefusal(answer: Exclude<Attempt, { kind: "open" }> | Exclude<Connected, { kind: "open" }>): string {
  if (answer.kind === "dropped") return `dropped: ${answer.how}`;
  const body = answer.body.trim().slice(0, 200);
  return `${answer.status < 300 ? "answered" : "refused"} with HTTP ${answer.status}${body === "" ? "" : ` ${JSON.stringify(body)}`}`;
}

function errorCode(run: Run, { name, value }: Received): ErrorValue | undefined {
  return name === undefined ? undefined : errorIn(run, name, value);
}

function effective(run: Run, promise: Limit | RateLimit | Heartbeat): unknown {
  const first = run.advertised()?.value;
  const number = (pointer: string | undefined, fallback: number) => {
    const value = pointer === undefined ? undefined : lookup(first, pointer);
    return typeof value === "number" ? value : fallback;
  };
  const { advertised } = promise;
  if ("burst" in promise) {
    const { burst, perSecond } = advertised as RateLimit["advertised"];
    return { burst: number(burst, promise.burst), perSecond: number(perSecond, promise.perSecond) };
  }
  if ("intervalMs" in promise) {
    const { intervalMs, timeoutMs } = advertised as Heartbeat["advertised"];
    return { intervalMs: number(intervalMs, promise.intervalMs), timeoutMs: number(timeoutMs, promise.timeoutMs) };
  }
  return number(advertised as Limit["advertised"], promise.value);
}

/** Resolves at the next event of the run, or after `ms`. */
function nextEvent(run: Run, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      stop();
      resolve();
    };
    const timer = setTimeout(done, Math.min(ms, 2 ** 31 - 1));
    const stop = run.recorder.onEvent(done);
  });
}

/** @throws NotTestable where the schema of the id has no value that the harness can make */
function messageId(run: Run, name: string | undefined): Json {
  const message = name === undefined ? undefined : run.contract.messages.find((one) => one.name === name);
  try {
    return dataOf(run.contract).messageId(run.channel, run.countRequest(), message);
  } catch (error) {
    if (error instanceof NoUniqueValue) throw new NotTestable(`${error.message}, so no request with an id can be sent`);
    throw error;
  }
}
