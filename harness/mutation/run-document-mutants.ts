// Judges all altered documents, stage by stage, and says which go unnoticed and why.
import type { Contract } from "../../spec/contract.ts";
import { openRun } from "../conformance/open-run.ts";
import type { Phase } from "../conformance/phase.ts";
import type { ContractUnderTest } from "../conformance/rule.ts";
import type { ReferenceProcess } from "../testbed/reference-process.ts";
import type { Mutant } from "./document-mutant.ts";
import { mutantReasonFor, mutantReasons } from "./document-mutant-reasons.ts";
import { mutantsOf } from "./document-mutants.ts";
import { claimsFor, type Judgement, judgeMutant, type Stage, stages } from "./judge-document-mutants.ts";
import { targetOf } from "./run-mutant.ts";
import { createServers, type Servers, shortTimes } from "./servers.ts";

/** Longer than the slack of the rules, so that an end that comes at another time is told from one that is late. */
const env = { ...shortTimes, TOKEN_GRACE_MS: "5000" };

/** How many are judged at the same time. In the first two each lane has a server of its own: what one of them sends to everybody, the others would have to explain. */
const lanes: Readonly<Record<Stage, number>> = { quick: 3, thorough: 3, patient: 12, alone: 1, shutdown: 2 };

export interface MutantRun {
  readonly judgements: readonly Judgement[];
  /** How many were not reached in time. */
  readonly left: number;
}

/**
 * @param only beginnings of ids, default all
 * @param progress told after each judgement: how many of how many in this stage
 */
export async function runMutants(
  subject: ContractUnderTest,
  phases: readonly Phase[],
  only: readonly string[],
  progress: (stage: Stage, total: number) => (what: string) => void,
  isLate: () => boolean,
): Promise<MutantRun> {
  const servers = createServers(subject.channel.address, env);
  const judged = new Map<Mutant, Judgement>();
  let left = 0;
  try {
    const first = await firstMessage(subject, await servers.of({ argument: 1 }));
    const mutants = mutantsOf(subject.contract, first).filter(
      ({ id }) => only.length === 0 || only.some((one) => id.startsWith(one)),
    );
    for (const stage of stages) {
      const queue = mutants
        .filter((mutant) => judged.get(mutant)?.rule === undefined)
        .filter((mutant) => isDue(subject.contract, phases, mutant, stage));
      const tell = progress(stage, queue.length);
      const lane = async (argument: number) => {
        for (let mutant = queue.shift(); mutant !== undefined && !isLate(); mutant = queue.shift()) {
          judged.set(mutant, await judgeIn(stage, servers, argument, phases, mutant));
          tell(mutant.id);
        }
      };
      await Promise.all(Array.from({ length: lanes[stage] }, (_, index) => lane(index + 1)));
      left += queue.length;
    }
    return { judgements: mutants.flatMap((mutant) => judged.get(mutant) ?? []), left };
  } finally {
    await servers.end();
  }
}

/** What is explained has met every quick rule, and none of those that would take their time for nothing. */
function isDue(contract: Contract, phases: readonly Phase[], mutant: Mutant, stage: Stage): boolean {
  if (stage === "quick") return true;
  return mutantReasonFor(contract, mutant) === undefined && claimsFor(phases, mutant, stage).length > 0;
}

async function judgeIn(
  stage: Stage,
  servers: Servers,
  argument: number,
  phases: readonly Phase[],
  mutant: Mutant,
): Promise<Judgement> {
  if (stage === "shutdown") {
    const server = await servers.fresh({});
    try {
      return await judgeMutant(phases, mutant, stage, server);
    } finally {
      await server.stop();
    }
  }
  const server = await servers.of({ argument: stage === "quick" || stage === "thorough" ? argument : 1 });
  return judgeMutant(phases, mutant, stage, server, stage === "quick" ? {} : { timeoutMs: 3_000, runs: 250 });
}

/** What an honest server advertises. */
async function firstMessage(subject: ContractUnderTest, server: ReferenceProcess): Promise<unknown> {
  const opened = await openRun({ ...subject, target: targetOf(server, server.url), auth: { secret: server.secret } });
  await opened.end();
  return opened.run.advertised()?.value;
}

export interface MutantResult {
  readonly noticed: readonly Judgement[];
  readonly explained: readonly (Judgement & { readonly reason: string })[];
  readonly unexplained: readonly Judgement[];
  /** In one sentence each: what goes unnoticed without a reason, and reasons for what is noticed or is not there. */
  readonly complaints: readonly string[];
}

/** @param isWhole whether all mutants were judged, so that a reason that is not needed is stale */
export function weigh(contract: Contract, judgements: readonly Judgement[], isWhole: boolean): MutantResult {
  const noticed = judgements.filter(({ rule }) => rule !== undefined);
  const survivors = judgements.filter(({ rule }) => rule === undefined);
  const explained = survivors.flatMap((one) => {
    const reason = mutantReasonFor(contract, one.mutant);
    return reason === undefined ? [] : [{ ...one, reason: reason.says }];
  });
  const unexplained = survivors.filter(({ mutant }) => mutantReasonFor(contract, mutant) === undefined);
  const used = new Set(explained.map(({ reason }) => reason));
  const complaints = [
    ...unexplained.map(({ mutant }) => `${mutant.id} goes unnoticed, and there is no reason for it`),
    ...noticed.flatMap(({ mutant, rule }) => {
      const reason = mutantReasonFor(contract, mutant);
      return reason === undefined
        ? []
        : [`${mutant.id} is noticed by ${rule}, and a reason says that it cannot be: ${reason.says}`];
    }),
    ...(isWhole
      ? mutantReasons.filter(({ says }) => !used.has(says)).map(({ says }) => `no altered document needs the reason: ${says}`)
      : []),
  ];
  return { noticed, explained, unexplained, complaints };
}
