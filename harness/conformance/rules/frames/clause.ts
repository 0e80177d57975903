// What the frame rules share: a clause of RFC 6455 as a promise, a request that must come back, and the two outcomes of a frame.

import type { ContractUnderTest } from "../../../client/context.ts";
import type { RawFrame, Within } from "../../../client/received.ts";
import type { TestClient } from "../../../client/test-client.ts";
import type { Context } from "../../context.ts";
import { faults } from "../../faults/fault.ts";
import type { Fault } from "../../faults/plan.ts";
import { type Clause, type Level, type Rule, rule } from "../../rule.ts";

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

/** The fault for rules that wait for the answer to `fenceRequest`: the server never sees it, however it was framed. */
export function ignoresFence({ contract, channel }: ContractUnderTest): Fault {
  const name = contract.operations.find(({ id }) => id === channel.delivery?.fence)?.messages[0];
  if (name === undefined) throw new Error("ignoresFence needs a contract with x-delivery.fence");
  return faults.ignoresFrame(name);
}

/** The connection must be failed (section 7.1.7) with this code, or any of these where the contract declares none of them. */
export async function mustFail(context: Context, peer: TestClient, codes: readonly number[], within: Within = {}): Promise<void> {
  const declared = codes.filter((code) => context.channel.closeCodes.some((known) => known.code === code));
  await peer.closes(declared.length > 0 ? { code: declared, ...within } : within);
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
  /** Default 1002. */
  readonly codes?: readonly number[];
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
      const peer = await context.dial();
      const message = context.channel.delivery?.fence === undefined ? "{}" : fenceRequest(context).text;
      for (const frame of row.frames(message)) peer.sendRaw(frame);
      // What may be left out is not waited for long.
      await mustFail(context, peer, row.codes ?? [1002], row.level === "MAY" ? { withinMs: 1_000 } : {});
    },
    brokenBy: () => row.brokenBy,
  });
}
