// Requests that wait for their reply: found by their id where the contract has one, else in the order in which they were sent.
import type { Contract } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import type { Messages } from "../client/messages.ts";
import { unanswered } from "./load-result.ts";
import type { Recorder } from "./recorder.ts";

export interface Waiting {
  /** When it should have been sent. */
  readonly dueMs: number;
  /** The reply, or the error code that refuses it, or why there is none. Called once. */
  readonly answered: (reply: unknown, code: string | undefined, atMs: number, bytes: number) => void;
}

/** Of one connection. */
export class Replies {
  readonly #contract: Contract;
  readonly #messages: Messages;
  readonly #recorder: Recorder;
  /** Names of messages that are replies of operations; what is none of them answers nothing. */
  readonly #names: ReadonlySet<string>;
  readonly #byId = new Map<unknown, Waiting>();
  #inOrder: Waiting[] = [];

  constructor(contract: Contract, messages: Messages, recorder: Recorder) {
    this.#contract = contract;
    this.#messages = messages;
    this.#recorder = recorder;
    this.#names = new Set([
      ...contract.operations.flatMap(({ action, reply }) => (action === "receive" ? (reply ?? []) : [])),
      ...(contract.errors?.reply.message === undefined ? [] : [contract.errors.reply.message]),
    ]);
  }

  get waiting(): number {
    return this.#byId.size + this.#inOrder.length;
  }

  /** @param id undefined: the contract ties no reply to its request */
  expect(id: unknown, waiting: Waiting): void {
    if (id === undefined) this.#inOrder.push(waiting);
    else this.#byId.set(id, waiting);
  }

  /** Takes a message of the server; what answers nothing is left alone. */
  came(value: unknown, atMs: number, bytes: number): void {
    const name = this.#messages.nameOf(value, "fromServer");
    if (name === undefined || !this.#names.has(name)) return;
    const code = this.#codeOf(name, value);
    const { correlation } = this.#messages.message(name);
    const id = correlation === undefined ? undefined : lookup(value, correlation);
    const waiting = id === undefined ? this.#inOrder.shift() : this.#take(id);
    if (code !== undefined) this.#recorder.refused(code, atMs);
    if (waiting === undefined) return;
    if (this.#recorder.isMeasured(waiting.dueMs)) this.#recorder.counts.replied++;
    waiting.answered(value, code, atMs, bytes);
  }

  /** The connection is gone: what waits is answered so, and counted. */
  lost(atMs: number): void {
    const all = [...this.#byId.values(), ...this.#inOrder];
    this.giveUp();
    for (const waiting of all) {
      this.#recorder.refused(unanswered.closed, atMs);
      waiting.answered(undefined, unanswered.closed, atMs, 0);
    }
  }

  /** Gives up on what still waits. @returns how many it was */
  giveUp(): number {
    const count = this.waiting;
    this.#byId.clear();
    this.#inOrder = [];
    return count;
  }

  #take(id: unknown): Waiting | undefined {
    const waiting = this.#byId.get(id);
    this.#byId.delete(id);
    return waiting;
  }

  #codeOf(name: string, value: unknown): string | undefined {
    const reply = this.#contract.errors?.reply;
    if (name !== reply?.message || reply.code === undefined) return undefined;
    return String(lookup(value, reply.code));
  }
}
