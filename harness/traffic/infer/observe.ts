// Goes through traffic once more, knowing the kinds: shapes, replies by id, refusals, first messages, intervals, closes.
import { lookup } from "../../../spec/pointer.ts";
import type { TrafficEvent } from "../traffic-event.ts";
import type { Classifier } from "./classify.ts";
import type { Kind } from "./kind.ts";
import { Shape } from "./shape.ts";

/** Requests of a connection that may still be answered. */
const maxOpen = 1_000;
/** Steps that are kept to find replies by their order. */
const maxSteps = 60_000;

export interface Request {
  readonly kind: Kind;
  readonly frame: unknown;
  id: unknown;
  answers: number;
  isRefused: boolean;
  /** The error that refused it did not name it. */
  isGuess: boolean;
  /** Another had the same id before it was answered. */
  isRepeated: boolean;
  number: number;
}

/** A request of the client, or a message of the server that carries no request's id. */
export type Step = Request | Kind;

interface Talk {
  readonly open: Set<Request>;
  readonly byId: Map<unknown, Request>;
  readonly steps: Step[];
  readonly lastAt: Map<Kind, number>;
  last: Request | undefined;
  hasSpoken: boolean;
  hasAnswer: boolean;
  hungUp: boolean;
  requests: number;
  /** Requests when the server last spoke. */
  heard: number;
  answeredUpTo: number;
  pingAt: { client?: number; server?: number };
}

export interface CloseSeen {
  count: number;
  readonly by: Set<"client" | "server">;
  readonly reasons: Set<string>;
}

export class Observer {
  readonly classifier: Classifier;
  readonly connections = { count: 0 };
  messages = 0;
  readonly subprotocols = new Map<string, number>();
  readonly paths = new Map<string, number>();
  readonly closes = new Map<number, CloseSeen>();
  readonly refusedHandshakes = new Map<number, number>();
  /** WebSocket pings by side: ms between two. */
  readonly pings = { client: { count: 0, sum: 0, most: 0 }, server: { count: 0, sum: 0, most: 0 } };
  readonly steps: (readonly Step[])[] = [];
  /** Replies that came before that of an earlier request. */
  overtaken = 0;
  inOrder = 0;
  /** Errors that answered frames that are no JSON. */
  readonly notJson = new Map<Kind, Shape>();
  readonly #talks = new Map<number, Talk>();
  #steps = 0;

  constructor(classifier: Classifier) {
    this.classifier = classifier;
  }

  take(event: TrafficEvent): void {
    if (event.kind === "refused") this.refusedHandshakes.set(event.status, (this.refusedHandshakes.get(event.status) ?? 0) + 1);
    else if (event.kind === "open") this.#open(event);
    else {
      const talk = this.#talks.get(event.connection);
      if (talk === undefined) return;
      if (event.kind === "send" || (event.kind === "receive" && !talk.hungUp)) {
        this.messages += 1;
        const items = this.classifier.itemsOf(event.frame);
        for (const frame of items) this.#message(talk, items.length === 1 ? event : { ...event, frame });
      } else if (event.kind === "note") this.#ping(talk, event.text, event.atMs);
      else if (event.kind === "hang-up") {
        talk.hungUp = true;
        this.#close(event.code, "client", "");
      } else if (event.kind === "close") {
        if (!talk.hungUp) {
          this.#close(event.code, "server", event.reason);
          const refused = isRefusal(event.code) ? blamed(talk, [...talk.open]) : undefined;
          if (refused !== undefined) refused.isRefused = true;
        }
        this.#end(talk);
        this.#talks.delete(event.connection);
      }
    }
  }

  end(): void {
    for (const talk of this.#talks.values()) this.#end(talk);
    this.#talks.clear();
  }

  #open(event: Extract<TrafficEvent, { kind: "open" }>): void {
    if (event.http !== undefined) return;
    this.connections.count += 1;
    count(this.subprotocols, event.subprotocol);
    if (event.path !== undefined) count(this.paths, event.path);
    this.#talks.set(event.connection, {
      ...{ open: new Set(), byId: new Map(), steps: [], lastAt: new Map(), last: undefined, pingAt: {} },
      ...{ hasSpoken: false, hasAnswer: false, hungUp: false, requests: 0, heard: 0, answeredUpTo: -1 },
    });
  }

  #message(talk: Talk, event: Extract<TrafficEvent, { kind: "send" | "receive" }>): void {
    if (event.kind === "send") this.#sent(talk, event);
    else {
      this.#received(talk, event);
      talk.heard = talk.requests;
    }
  }

  #sent(talk: Talk, event: Extract<TrafficEvent, { kind: "send" }>): void {
    talk.hasSpoken = true;
    const format = event.binary ? "binary" : event.json ? "json" : "text";
    const kind = this.classifier.kindOf("client", event.frame, format);
    this.#count(talk, kind, event.atMs);
    const request: Request = {
      kind,
      frame: event.frame,
      id: undefined,
      answers: 0,
      isRefused: false,
      isGuess: false,
      isRepeated: false,
      number: talk.requests++,
    };
    talk.last = request;
    talk.open.add(request);
    this.#step(talk, request);
    const { correlation } = this.classifier;
    const id = correlation === undefined || !event.json ? undefined : lookup(event.frame, correlation.request);
    if (id !== undefined && id !== null && typeof id !== "object") {
      kind.withId += 1;
      const before = talk.byId.get(id);
      // Whoever names the id of what still runs, such as to end it, does not ask anew.
      const keeps = before !== undefined && before.kind !== kind && (before.answers === 0 || before.kind.isStream);
      if (before?.answers === 0) before.isRepeated = request.isRepeated = true;
      if (!keeps) {
        talk.byId.set(id, request);
        request.id = id;
      }
    }
    if (talk.open.size > maxOpen) this.#settle(talk, talk.open.values().next().value!);
  }

  #received(talk: Talk, event: Extract<TrafficEvent, { kind: "receive" }>): void {
    const format = event.binary ? "binary" : event.json ? "json" : "text";
    const { correlation } = this.classifier;
    const id = correlation === undefined || !event.json ? undefined : lookup(event.frame, correlation.reply);
    const request = id === undefined || id === null ? undefined : talk.byId.get(id);
    const kind = this.classifier.kindOf("server", event.frame, format, request?.kind);
    this.#count(talk, kind, event.atMs);
    kind.accept(event.frame);
    if (id !== undefined && id !== null) kind.withId += 1;
    if (!talk.hasAnswer) {
      if (talk.hasSpoken) kind.firstAsked += 1;
      else kind.firstUnasked += 1;
    }
    talk.hasAnswer = true;
    if (request === undefined) {
      kind.unasked += 1;
      const refused = kind.isError ? blamed(talk) : undefined;
      // Where errors name the request, one that names none is about a request without an id.
      if (refused !== undefined && (refused.id === undefined || kind.withId === 0)) {
        this.#refused(refused, kind, event.frame);
        refused.isGuess = true;
      } else this.#step(talk, kind);
      return;
    }
    if (request.isGuess) Object.assign(request, { isGuess: false, isRefused: false, answers: 0 });
    request.answers += 1;
    if (request.answers > 1 && !request.isRepeated) request.kind.isStream = true;
    if (request.answers === 1) {
      if (request.number < talk.answeredUpTo) this.overtaken += 1;
      else this.inOrder += 1;
      talk.answeredUpTo = Math.max(talk.answeredUpTo, request.number);
    }
    if (kind.isError) this.#refused(request, kind, event.frame);
    else count(request.kind.answers, kind);
  }

  #refused(request: Request, kind: Kind, frame: unknown): void {
    request.isRefused = true;
    request.answers = Math.max(1, request.answers);
    const refusals = request.kind.format === "text" ? this.notJson : request.kind.refusals;
    const shape = refusals.get(kind) ?? new Shape();
    refusals.set(kind, shape);
    shape.add(frame);
  }

  /** Nothing more is expected of the request. */
  #settle(talk: Talk, request: Request): void {
    talk.open.delete(request);
    if (request.id !== undefined && talk.byId.get(request.id) === request) talk.byId.delete(request.id);
    const { kind, frame, answers, isRefused } = request;
    if (isRefused) kind.refuse(frame);
    else kind.accept(frame);
    if (answers > 0) kind.answered += 1;
  }

  #end(talk: Talk): void {
    for (const request of talk.open) this.#settle(talk, request);
    this.steps.push(talk.steps);
  }

  #count(talk: Talk, kind: Kind, atMs: number): void {
    kind.count += 1;
    const last = talk.lastAt.get(kind);
    talk.lastAt.set(kind, atMs);
    if (last === undefined) return;
    const { intervals } = kind;
    intervals.count += 1;
    intervals.sum += atMs - last;
    intervals.squares += (atMs - last) ** 2;
    intervals.most = Math.max(intervals.most, atMs - last);
  }

  #step(talk: Talk, step: Step): void {
    if (++this.#steps <= maxSteps) talk.steps.push(step);
  }

  #ping(talk: Talk, text: string, atMs: number): void {
    const side =
      text === "WebSocket ping by the server" ? "server" : text === "WebSocket ping by the client" ? "client" : undefined;
    if (side === undefined) return;
    const last = talk.pingAt[side];
    talk.pingAt[side] = atMs;
    if (last === undefined) return;
    const pings = this.pings[side];
    pings.count += 1;
    pings.sum += atMs - last;
    pings.most = Math.max(pings.most, atMs - last);
  }

  #close(code: number, by: "client" | "server", reason: string): void {
    const seen = this.closes.get(code) ?? { count: 0, by: new Set(), reasons: new Set() };
    this.closes.set(code, seen);
    seen.count += 1;
    seen.by.add(by);
    if (reason !== "" && seen.reasons.size < 3) seen.reasons.add(reason);
  }
}

/** Whether a close says that the client did something wrong. */
const isRefusal = (code: number) => code >= 1002 && ![1005, 1006, 1012, 1013].includes(code);

/** The request that an error or a close without an id refuses: of those sent since the server last spoke what is no JSON, else the rarest. */
function blamed(talk: Talk, pool = [...talk.open].filter(({ id }) => id === undefined)): Request | undefined {
  const since = pool.filter(({ answers, number }) => answers === 0 && number >= talk.heard);
  if (since.length === 0) return talk.last?.answers === 0 ? talk.last : undefined;
  return since.reduce((best, one) => (weight(one) < weight(best) ? one : best));
}

const weight = ({ kind }: Request) => (kind.format === "text" ? 0 : kind.count);

function count<T>(counts: Map<T, number>, key: T): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
