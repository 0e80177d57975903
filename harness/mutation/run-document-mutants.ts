// Tests the honest server against all document mutants, round by round, and says which survive and why.

import pMap from "p-map";
import type { Contract } from "../../spec/contract.ts";
import type { ContractUnderTest } from "../client/context.ts";
import { openRun } from "../conformance/open-run.ts";
import type { Phase } from "../conformance/phase.ts";
import type { ReferenceProcess } from "../testbed/reference-process.ts";
import type { DocumentMutant } from "./document-mutant.ts";
import { documentMutantsOf } from "./document-mutants.ts";
import { type DocumentMutantResult, type Round, rounds, rulesFor, runDocumentMutant } from "./run-document-mutant.ts";
import { targetOf } from "./run-mutant.ts";
import { createServers, type Servers, shortTimes } from "./servers.ts";
import { survivalReasonFor, survivalReasons } from "./survival-reasons.ts";

/** Longer than the slack of the rules, so that a close at another time is told from one that is late. */
const env = { ...shortTimes, TOKEN_GRACE_MS: "5000" };

/** How many mutants are tested at the same time. */
const concurrency: Readonly<Record<Round, number>> = { quick: 3, thorough: 3, patient: 12, alone: 1, shutdown: 2 };
/** In these rounds each mutant under test has a server to itself: another one's broadcasts would be unexplained. */
const isolated: readonly Round[] = ["quick", "thorough"];

export interface DocumentMutantRun {
  readonly results: readonly DocumentMutantResult[];
  /** How many mutants were not reached in time. */
  readonly left: number;
}

/**
 * @param only beginnings of ids, default all
 * @param progress called once for each round; returns what is called after each mutant
 */
export async function runDocumentMutants(
  subject: ContractUnderTest,
  phases: readonly Phase[],
  only: readonly string[],
  progress: (round: Round, total: number) => (what: string) => void,
  isLate: () => boolean,
): Promise<DocumentMutantRun> {
  const servers = createServers(subject.channel.address, env);
  const results = new Map<DocumentMutant, DocumentMutantResult>();
  let left = 0;
  try {
    const first = await firstMessage(subject, await servers.of({ argument: 1 }));
    const mutants = documentMutantsOf(subject.contract, first).filter(
      ({ id }) => only.length === 0 || only.some((one) => id.startsWith(one)),
    );
    for (const round of rounds) {
      const due = mutants
        .filter((mutant) => results.get(mutant)?.rule === undefined)
        .filter((mutant) => isDue(subject.contract, phases, mutant, round));
      const tell = progress(round, due.length);
      const free = Array.from({ length: concurrency[round] }, (_, index) => index + 1);
      const runOne = async (mutant: DocumentMutant) => {
        if (isLate()) {
          left++;
          return;
        }
        const server = free.shift()!;
        results.set(mutant, await runIn(round, servers, server, phases, mutant));
        free.push(server);
        tell(mutant.id);
      };
      await pMap(due, runOne, { concurrency: concurrency[round] });
    }
    return { results: mutants.flatMap((mutant) => results.get(mutant) ?? []), left };
  } finally {
    await servers.end();
  }
}

/** A mutant that survives for a known reason meets the quick rules alone: the others would take their time for nothing. */
function isDue(contract: Contract, phases: readonly Phase[], mutant: DocumentMutant, round: Round): boolean {
  if (round === "quick") return true;
  return survivalReasonFor(contract, mutant) === undefined && rulesFor(phases, mutant, round).length > 0;
}

/** @param index of the server, where the round isolates its mutants */
async function runIn(
  round: Round,
  servers: Servers,
  index: number,
  phases: readonly Phase[],
  mutant: DocumentMutant,
): Promise<DocumentMutantResult> {
  if (round === "shutdown") {
    const server = await servers.fresh({});
    try {
      return await runDocumentMutant(phases, mutant, round, server);
    } finally {
      await server.stop();
    }
  }
  const server = await servers.of({ argument: isolated.includes(round) ? index : 1 });
  return runDocumentMutant(phases, mutant, round, server, round === "quick" ? {} : { timeoutMs: 3_000, runs: 250 });
}

/** What the honest server advertises. */
async function firstMessage(subject: ContractUnderTest, server: ReferenceProcess): Promise<unknown> {
  const opened = await openRun({ ...subject, target: targetOf(server, server.url), auth: { secret: server.secret } });
  await opened.end();
  return opened.run.advertised()?.value;
}

export interface DocumentMutantSummary {
  readonly killed: readonly DocumentMutantResult[];
  readonly explained: readonly (DocumentMutantResult & { readonly reason: string })[];
  readonly unexplained: readonly DocumentMutantResult[];
  /** In one sentence each: survivors without a reason, reasons for mutants that are killed, reasons that nothing needs. */
  readonly problems: readonly string[];
}

/** @param isWhole whether all mutants were tested, so that a reason which none of them needs is stale */
export function summarize(contract: Contract, results: readonly DocumentMutantResult[], isWhole: boolean): DocumentMutantSummary {
  const killed = results.filter(({ rule }) => rule !== undefined);
  const survivors = results.filter(({ rule }) => rule === undefined);
  const explained = survivors.flatMap((one) => {
    const reason = survivalReasonFor(contract, one.mutant);
    return reason === undefined ? [] : [{ ...one, reason: reason.text }];
  });
  const unexplained = survivors.filter(({ mutant }) => survivalReasonFor(contract, mutant) === undefined);
  const used = new Set(explained.map(({ reason }) => reason));
  const problems = [
    ...unexplained.map(({ mutant }) => `${mutant.id} survives without a reason`),
    ...killed.flatMap(({ mutant, rule }) => {
      const reason = survivalReasonFor(contract, mutant);
      return reason === undefined
        ? []
        : [`${mutant.id} is killed by ${rule}, although a reason says that it survives: ${reason.text}`];
    }),
    ...(isWhole
      ? survivalReasons.filter(({ text }) => !used.has(text)).map(({ text }) => `no document mutant needs the reason: ${text}`)
      : []),
  ];
  return { killed, explained, unexplained, problems };
}
