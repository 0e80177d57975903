// A connection that asks and is answered: what echo and mixed send through.

import type { Contract, Operation } from "../../spec/contract.ts";
import type { Messages } from "../client/messages.ts";
import type { TestClient } from "../client/test-client.ts";
import { nowMs } from "./clock.ts";
import { LoadSocket } from "./load-socket.ts";
import type { Recorder } from "./recorder.ts";
import { Replies } from "./replies.ts";
import type { Template } from "./template.ts";

/** A message that can be sent now, and again. */
export interface Sendable {
  readonly operation: Operation;
  readonly template: Template;
  /** Another one each time, as the message's schema wants it; undefined: it has none. */
  readonly id: (() => unknown) | undefined;
}

export class Requester {
  readonly socket: LoadSocket;
  readonly replies: Replies;
  readonly #recorder: Recorder;

  constructor(client: TestClient, contract: Contract, messages: Messages, recorder: Recorder) {
    this.#recorder = recorder;
    this.replies = new Replies(contract, messages, recorder);
    this.socket = new LoadSocket(client, recorder, {
      text: (bytes, start, end, atMs) => {
        try {
          this.replies.came(JSON.parse(bytes.toString("utf8", start, end)), atMs, end - start);
        } catch (error) {
          if (!(error instanceof SyntaxError)) throw error;
          recorder.counts.unexpected++;
          recorder.error(atMs);
        }
      },
      lost: () => this.replies.lost(nowMs()),
    });
  }

  /** Sends what was due at `dueMs`; what has no reply is done with that. @param then called when it is answered or refused */
  send({ operation, template, id: nextId }: Sendable, dueMs: number, content: string, then?: () => void): void {
    const id = nextId?.();
    const recorder = this.#recorder;
    const text = template.emit(id, content);
    const isAnswered = operation.reply !== undefined && operation.reply.length > 0;
    if (isAnswered) {
      this.replies.expect(id, {
        dueMs,
        answered(_reply, code, atMs, bytes) {
          if (code === undefined) recorder.done(dueMs, atMs, bytes);
          then?.();
        },
      });
    }
    this.socket.send(text);
    const atMs = nowMs();
    recorder.sent(dueMs, atMs);
    if (!isAnswered) then?.();
  }
}
