// Where a message may have few bytes, hostile frames are as small as that, or are not sent: the server refuses their size, not what they are about.

import { afterAll, describe, expect, it } from "vitest";
import type { Contract } from "../../../../spec/contract.ts";
import { defaultSpecFile, loadContract } from "../../../../spec/load-contract.ts";
import type { ContractUnderTest } from "../../../client/context.ts";
import { targetOf } from "../../../mutation/run-mutant.ts";
import { dataOf } from "../../../schema/contract-data.ts";
import { type ReferenceProcess, startReferenceProcess } from "../../../testbed/reference-process.ts";
import { openRun } from "../../open-run.ts";
import { phases } from "../../rules.ts";
import { runPhases } from "../../run-phases.ts";

const maxBytes = 700;
const ours = (await loadContract({ file: defaultSpecFile })).contract!;
const phase = phases.find(({ name }) => name === "invalid")!;

function subjectOf(contract: Contract): ContractUnderTest {
  return { contract, channel: contract.channels.find(({ kind }) => kind === "websocket")! };
}

/** Our document, in which a message of the client may have so many bytes. */
function withBytes(value: number): ContractUnderTest {
  const channels = ours.channels.map((channel) => ({
    ...channel,
    limits: channel.limits.map((limit) => (limit.kind === "message-bytes" ? { ...limit, value } : limit)),
  }));
  return subjectOf({ ...ours, channels });
}

const server: ReferenceProcess = await startReferenceProcess({ path: "/ws", env: { MESSAGE_BYTES: String(maxBytes) } });
afterAll(() => server.stop());

async function failures(subject: ContractUnderTest): Promise<readonly string[]> {
  const opened = await openRun({ ...subject, target: targetOf(server, server.url), auth: { secret: server.secret } });
  try {
    const { results } = await runPhases(opened.run, opened.probe, [phase], { replay: (id) => id });
    expect(results.filter(({ verdict }) => verdict === "pass").length).toBeGreaterThan(10);
    return results.flatMap(({ id, verdict, failures, reason }) =>
      verdict === "pass" || verdict === "not-applicable" ? [] : [`${id}: ${failures[0]?.actual ?? reason}`],
    );
  } finally {
    await opened.end();
  }
}

describe("with few bytes a message", () => {
  it("hostile frames have no more than the document allows, and as much of what they are about as fits", () => {
    const { contract, channel } = withBytes(maxBytes);
    const frames = dataOf(contract).malformed(channel);
    const sizes = frames.map(({ text }) => Buffer.byteLength(text("an-id")));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(maxBytes);
    const nested = frames.find(({ label }) => label.startsWith("arrays in arrays"))!;
    expect(nested.text("a").length).toBeGreaterThan(maxBytes / 2);
    expect(nested.text("a", 100).length).toBeLessThanOrEqual(100);
    expect(JSON.parse(nested.text("a"))).toBeInstanceOf(Array);
  });

  it("frames that cannot be so small are left out", () => {
    const all = dataOf(ours).malformed(subjectOf(ours).channel);
    const { contract, channel } = withBytes(40);
    const few = dataOf(contract).malformed(channel);
    expect(few.length).toBeGreaterThan(0);
    expect(few.length).toBeLessThan(all.length);
  });

  it("no rule of the phase fails a server that keeps the document's bound", async () => {
    expect(await failures(withBytes(maxBytes))).toEqual([]);
  }, 60_000);

  it("nor one that advertises a smaller bound than the document's", async () => {
    expect(await failures(subjectOf(ours))).toEqual([]);
  }, 60_000);
});
