// What somebody who drives clients gets: the contract, the target, fresh users and connections, ids, and the clock.
import type { Channel, Contract, ErrorValue, Heartbeat, Limit, Message, RateLimit } from "../../spec/contract.ts";
import type { Json } from "../schema/json.ts";
import type { Clock } from "./clock.ts";
import type { CredentialOptions } from "./credentials.ts";
import type { Attempt, DialOptions } from "./dial.ts";
import type { Received, User } from "./received.ts";
import type { TestClient } from "./test-client.ts";

/** What the target is held to. */
export interface ContractUnderTest {
  readonly contract: Contract;
  /** The WebSocket channel under test. */
  readonly channel: Channel;
}

export interface ClientContext extends ContractUnderTest {
  readonly target: {
    /** One per node, with path. */
    readonly urls: readonly string[];
    /** What a picture calls them. Default: `node 0` and so on. */
    readonly nodeNames?: readonly string[] | undefined;
  };
  readonly clock: Clock;
  /** Of the run; the only source of randomness. */
  readonly seed: number;
  /** Default deadline of everything that waits, in ms. */
  readonly timeoutMs: number;

  /** Opens a connection, and waits for the contract's first message. @throws Violation when the target refuses or closes */
  dial(options?: DialOptions): Promise<TestClient>;
  /** Opens a connection and says how the target answered. Does not wait for the first message. */
  attempt(options?: DialOptions): Promise<Attempt>;
  /** A fresh user. @throws NotTestable where the given tokens are used up or cannot have these claims */
  user(options?: CredentialOptions): Promise<User>;
  /** A credential for `name` (default fresh). @throws NotTestable where we cannot issue one */
  credential(options?: CredentialOptions & { readonly name?: string }): Promise<string>;
  /** A name that is unique in the run, from a counter: `p1-room-17`. Letters, digits and `-` only. @param kind default `n` */
  fresh(kind?: string): string;
  /** A value of a column of relations, such as the name of a room: valid where messages carry it, and unique while its schema has others. */
  freshKey(column: string): Json;
  /**
   * An id for a request, drawn from the schema of ids and unique in the run while that has other values.
   * @param message its name, where its ids differ from those of other messages
   */
  id(message?: string): Json;
  /** An id for a request in each JSON type, text and number, that the schema of its message allows. @param message its name */
  typedIds(message: string): readonly Json[];

  /** The number in force: what the target advertises in its first message, else the document's. */
  effective(limit: Limit): number;
  effective(limit: RateLimit): { readonly burst: number; readonly perSecond: number };
  effective(heartbeat: Heartbeat): { readonly intervalMs: number; readonly timeoutMs: number };

  /** Names the message and says what is wrong with it. Never throws. */
  read(text: string, direction: "fromClient" | "fromServer"): Pick<Received, "name" | "value" | "json" | "wrong">;
  /** Why `value` is not this message; empty where it is. */
  wrongWith(name: string, value: unknown): readonly string[];
  message(name: string): Message;
  /** A valid message of the client that carries nothing of interest: its first example, with a fresh id. */
  example(name: string): unknown;
  /** The error code, where the message is the contract's error reply. */
  errorCode(received: Received): ErrorValue | undefined;

  /** A context of its own for one of many cases: its history holds its own connections alone, and is forgotten when it ends. */
  part(): { readonly context: ClientContext; end(): Promise<void> };
  /** A remark for the report: what could not be tested, and why. */
  note(text: string): void;
}
