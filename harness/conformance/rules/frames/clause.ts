// What the frame rules share: a clause of RFC 6455 as a promise, a request that must come back, and the two outcomes of a frame.

import type { ContractUnderTest } from "../../../client/context.ts";
import { describeClosed } from "../../../client/format.ts";
import type { Closed, RawFrame, Within } from "../../../client/received.ts";
import type { TestClient } from "../../../client/test-client.ts";
import { Violation } from "../../../schema/errors.ts";
import type { Context } from "../../context.ts";
import { faults } from "../../faults/fault.ts";
import type { Fault } from "../../faults/plan.ts";
import { type Clause, type Level, type Rule, rule } from "../../rule.ts";
import { clientMessages } from "../client-messages.ts";

/** A promise of the standard rather than of the document. */
export function clause(section: string, text: string): Clause {
  return { pointer: `RFC 6455 section ${section}`, text };
}

/** The promise, where the document has a fence operation: without one no text message is known to be answered. */
export function withFence(promise: Clause): (subject: ContractUnderTest) => readonly Clause[] {
  return ({ channel }) => (channel.delivery?.fence === undefined ? [] : [promise]);
}

/** A request that the contract answers whatever the state, and its text. `TestClient.replyTo` waits for its reply. */
export function fenceRequest(context: Context): {
  readonly text: string;
  readonly message: unknown;
  readonly replies: readonly string[];
} {
  const operation = context.contract.operations.find(({ id }) => id === context.channel.delivery?.fence);
  const name = operation?.messages[0];
  if (name === undefined) throw new Error("fenceRequest needs a contract with x-delivery.fence");
  const message = context.example(name);
  return { text: JSON.stringify(message), message, replies: operation?.reply ?? [] };
}

/** A text that the target reads without complaint, so that only the frame around it can end the connection. */
function readableText(context: Context): string {
  if (context.channel.delivery?.fence !== undefined) return fenceRequest(context).text;
  const harmless = clientMessages(context).find(({ operation }) =>
    operation.requires.every(({ kind }) => kind === "rate" || kind === "may"),
  );
  return harmless === undefined ? "{}" : JSON.stringify(context.example(harmless.message.name));
}

/** The fault for rules that wait for the answer to `fenceRequest`: the server never sees it, however it was framed. */
export function ignoresFence({ contract, channel }: ContractUnderTest): Fault {
  const name = contract.operations.find(({ id }) => id === channel.delivery?.fence)?.messages[0];
  if (name === undefined) throw new Error("ignoresFence needs a contract with x-delivery.fence");
  return faults.ignoresFrame(name);
}

/**
 * The connection must end: the clauses say "fail the connection" (section 7.1.7), which names no close code and allows the end of TCP
 * alone. A code that may not stand in a close frame (section 7.4.1) is a violation all the same.
 */
export async function mustFail(client: TestClient, within: Within = {}): Promise<Closed> {
  const closed = await client.closes(within);
  expectLegalFrames(client);
  return closed;
}

/** The peer must have answered with a close frame; its code is free (section 5.5.1: "typically" that of the client). */
export async function mustAnswerClose(client: TestClient): Promise<void> {
  const closed = await client.closes();
  if (closed.code === 1006) throw new Violation("a close frame in answer to the client's", describeClosed(closed));
  expectLegalFrames(client);
}

function expectLegalFrames(client: TestClient): void {
  const [illegal] = client.illegalFrames;
  if (illegal !== undefined) throw new Violation("frames that RFC 6455 allows", illegal);
}

/** A frame, or several, that a server must not let pass. One row of a table, one rule. */
export interface IllegalFrames {
  /** What comes after `frames-` in the rule's id. */
  readonly id: string;
  readonly section: string;
  /** The clause in our words. */
  readonly text: string;
  readonly title: string;
  /** Sent in order, in one connection. @param message text that the target reads without complaint */
  readonly frames: (message: string) => readonly (RawFrame | Uint8Array)[];
  /** Default MUST. */
  readonly level?: Level;
  readonly brokenBy: Fault;
}

export function refuses(row: IllegalFrames): Rule {
  return rule({
    id: `frames-${row.id}`,
    level: row.level ?? "MUST",
    phase: "frames",
    title: row.title,
    from: () => [clause(row.section, row.text)],
    async check(context) {
      const client = await context.dial();
      const message = readableText(context);
      for (const frame of row.frames(message)) client.sendRaw(frame);
      // What may be left out is not waited for long.
      await mustFail(client, row.level === "MAY" ? { withinMs: 1_000 } : {});
    },
    brokenBy: () => row.brokenBy,
  });
}
