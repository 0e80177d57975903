// npm run infer:trial: drafts documents from the traffic of honest clients of four servers, and writes generated/INFER.md.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { root } from "../gallery/servers.ts";
import type { Share } from "./score.ts";
import { leastPercent, runTrial, type TrialResult, trials } from "./trial.ts";

const percent = ({ found, all }: Share) => (all === 0 ? 100 : (100 * found) / all);
const cell = (share: Share) => `${share.found} of ${share.all} (${Math.floor(percent(share))} %)`;

function row({ name, inferred, score }: TrialResult): string {
  const { types, required, replies, alsoRequired } = score;
  const { messages, connections } = inferred.observer;
  const cells = [name, messages, connections.count, cell(types), cell(required), cell(replies), alsoRequired.length];
  return `| ${cells.join(" | ")} |`;
}

function details({ name, score }: TrialResult): string[] {
  const { types, required, replies, alsoRequired } = score;
  const line = (what: string, list: readonly string[]) =>
    list.length === 0 ? [] : [`- ${name}, ${what}: ${list.map((one) => `\`${one}\``).join(", ")}`];
  return [
    ...line("messages not as written", types.missing),
    ...line("members not required by the draft", required.missing),
    ...line("replies not as written", replies.missing),
    ...line("required by the draft alone", alsoRequired),
  ];
}

async function main(): Promise<number> {
  const results: TrialResult[] = [];
  const absent: string[] = [];
  for (const trial of trials) {
    if (trial.needs !== undefined && spawnSync(trial.needs, ["--version"]).status !== 0) {
      absent.push(`${trial.name} was not tried: ${trial.needs} is not installed.\n`);
      continue;
    }
    const result = await runTrial(trial);
    results.push(result);
    process.stdout.write(`${row(result)}\n`);
  }
  const text = `# What a draft gets right

<!-- Written by \`npm run infer:trial\`. Do not edit. -->

\`npm run infer:trial\` starts each server, lets scripted clients talk to it through \`wsproof record\`, drafts a document by \`wsproof infer\`, and compares it with the document that people wrote for the same server. The clients speak every message and make a few mistakes; no draft knows the document.

A message is as written where exactly one of its direction was inferred for it; a required member where the draft requires it as well; a reply where the draft has the same ones for the request, errors apart. The last column counts members that the draft requires and people did not: each was in every frame.

| protocol | messages seen | connections | messages as written | required members | replies | required by the draft alone |
| --- | ---: | ---: | --- | --- | --- | ---: |
${results.map(row).join("\n")}

${[...results.flatMap(details), ...absent].join("\n")}
`;
  writeFileSync(`${root}generated/INFER.md`, text);
  const isBelow = ({ score: { types, required, replies } }: TrialResult) =>
    percent(types) < leastPercent || percent(required) < leastPercent || replies.found < replies.all;
  return results.some(isBelow) ? 1 : 0;
}

process.exitCode = await main();
