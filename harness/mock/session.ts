// One connection of the mock as its engine sees it, without a socket.
import { canonical } from "../model/frame.ts";

export interface Transport {
  /** @param name of the message that the text is */
  send(text: string, name: string | undefined): void;
  close(code: number, reason: string): void;
}

/** Who acts: a connection, or a request over HTTP, which has no transport and receives nothing. */
export interface Actor {
  readonly attributes: Map<string, unknown>;
  claims: ReadonlyMap<string, unknown>;
  readonly session: Session | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly parameters: ReadonlyMap<string, string>;
}

export class Session implements Actor {
  /** From 1. */
  readonly id: number;
  readonly transport: Transport;
  readonly attributes = new Map<string, unknown>();
  claims: ReadonlyMap<string, unknown>;
  expiresAtMs: number;
  readonly headers = {};
  readonly parameters = new Map<string, string>();
  /** Error code -> when each was sent, in ms. */
  readonly errors: { readonly code: unknown; readonly atMs: number }[] = [];
  /** Names of messages that came. */
  readonly seen = new Set<string>();
  ended = false;

  constructor(id: number, transport: Transport, claims: ReadonlyMap<string, unknown>, expiresAtMs: number) {
    this.id = id;
    this.transport = transport;
    this.claims = claims;
    this.expiresAtMs = expiresAtMs;
  }

  get session(): Session {
    return this;
  }
}

/** One tuple of a relation. */
export interface Tuple {
  readonly relation: string;
  readonly session: Session;
  /** The columns other than `connection`. */
  readonly key: ReadonlyMap<string, unknown>;
}

/** Which connections are in which relation. */
export class Relations {
  readonly #bySession = new Map<Session, Map<string, Tuple>>();
  /** Relation and whole key -> tuples. */
  readonly #byKey = new Map<string, Map<Session, Tuple>>();

  add(relation: string, session: Session, key: ReadonlyMap<string, unknown>): boolean {
    const name = nameOf(relation, key);
    const own = this.#bySession.get(session) ?? new Map<string, Tuple>();
    if (own.has(name)) return false;
    const tuple = { relation, session, key };
    own.set(name, tuple);
    this.#bySession.set(session, own);
    const all = this.#byKey.get(name) ?? new Map<Session, Tuple>();
    all.set(session, tuple);
    this.#byKey.set(name, all);
    return true;
  }

  /** Removes the session's tuples that have at least these columns. @returns whether there were any */
  remove(relation: string, session: Session, key: ReadonlyMap<string, unknown>): boolean {
    const gone = this.of(session).filter((tuple) => tuple.relation === relation && covers(tuple.key, key));
    for (const tuple of gone) {
      const name = nameOf(relation, tuple.key);
      this.#bySession.get(session)?.delete(name);
      const all = this.#byKey.get(name);
      all?.delete(session);
      if (all?.size === 0) this.#byKey.delete(name);
    }
    return gone.length > 0;
  }

  of(session: Session): readonly Tuple[] {
    return [...(this.#bySession.get(session)?.values() ?? [])];
  }

  has(relation: string, session: Session, key: ReadonlyMap<string, unknown>): boolean {
    if (this.#bySession.get(session)?.has(nameOf(relation, key))) return true;
    return this.of(session).some((tuple) => tuple.relation === relation && covers(tuple.key, key));
  }

  /** All tuples that have at least these columns. */
  with(relation: string, key: ReadonlyMap<string, unknown>): readonly Tuple[] {
    const exact = this.#byKey.get(nameOf(relation, key));
    if (exact !== undefined) return [...exact.values()];
    return [...this.#bySession.values()].flatMap((own) =>
      [...own.values()].filter((tuple) => tuple.relation === relation && covers(tuple.key, key)),
    );
  }

  forget(session: Session): void {
    for (const tuple of this.of(session)) this.remove(tuple.relation, session, tuple.key);
    this.#bySession.delete(session);
  }
}

function covers(key: ReadonlyMap<string, unknown>, wanted: ReadonlyMap<string, unknown>): boolean {
  for (const [column, value] of wanted) if (canonical(key.get(column)) !== canonical(value)) return false;
  return true;
}

const nameOf = (relation: string, key: ReadonlyMap<string, unknown>) => `${relation} ${canonical(Object.fromEntries(key))}`;
