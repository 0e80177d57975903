// GALLERY.md: which rule named each fault that was planted on a correct server of the gallery. Pure.
import type { Report } from "../../conformance/result.ts";
import type { PlantedFault } from "./planted-fault.ts";

export interface FaultRun {
  readonly server: string;
  readonly planted: PlantedFault;
  /** Undefined where the run wrote no report. */
  readonly report: Report | undefined;
}

/** A line of the table, which an earlier run may have written. */
export interface FaultRow {
  readonly server: string;
  readonly verdict: string;
  readonly line: string;
}

/** The rules that failed and that the server's baseline does not explain. */
export function failedIn(report: Report | undefined): readonly string[] {
  return (report?.rules ?? []).flatMap(({ id, verdict, known }) => (verdict === "fail" && known === undefined ? [id] : []));
}

/** `named`: by a rule that was chosen for it before the run; `found`: by others alone; `missed`: by none. */
export function verdictOf({ planted, report }: FaultRun): "named" | "found" | "missed" {
  const failed = failedIn(report);
  if (failed.some((id) => planted.named.test(id))) return "named";
  return failed.length > 0 ? "found" : "missed";
}

/** How the line of a fault begins: what tells it from every other. */
export function rowStart(server: string, { kind, fault }: PlantedFault): string {
  return `| ${server} | ${kind} | ${fault.breaks.replaceAll("|", "\\|")} |`;
}

export function rowOf(run: FaultRun): FaultRow {
  const failed = failedIn(run.report);
  const right = failed.filter((id) => run.planted.named.test(id));
  const shown = [...right, ...failed.filter((id) => !right.includes(id))];
  const more = shown.length > 4 ? ` and ${shown.length - 4} more` : "";
  const rules = shown.slice(0, 4).map((id) => `\`${id}\``);
  const verdict = verdictOf(run);
  const line = `${rowStart(run.server, run.planted)} ${verdict} | ${rules.join(", ")}${more} |`;
  return { server: run.server, verdict, line };
}

/** The lines of a page that was written before. */
export function parseRows(page: string): readonly FaultRow[] {
  return page.split("\n").flatMap((line) => {
    const [, server, verdict] = /^\| (\S+) \| .* \| (named|found|missed) \| [^|]*\|$/.exec(line) ?? [];
    return server === undefined || verdict === undefined ? [] : [{ server, verdict, line }];
  });
}

/** @param planned faults of the whole run; the page says so where fewer have been tried */
export function emitFaults(rows: readonly FaultRow[], planned = rows.length): string {
  const count = (some: readonly FaultRow[]) => some.filter(({ verdict }) => verdict === "named").length;
  const share = ((100 * count(rows)) / Math.max(1, rows.length)).toFixed(1);
  const counts = [...new Set(rows.map(({ server }) => server))].map((id) => {
    const own = rows.filter(({ server }) => server === id);
    return `${id} ${count(own)} of ${own.length}`;
  });
  return [
    "# Faults planted on correct servers",
    "",
    "<!-- Written by `npm run gallery -- --faults`. Do not edit. -->",
    "",
    "A proxy in front of each server plants one fault; `wsproof verify --seed 1` then tests the two as one server. Which rules must",
    "name a fault, and what runs, are fixed in `harness/comparison/gallery/faults.ts`. What a server's baseline explains",
    "does not count. Not planted: a kind for which the document promises nothing, such as a heartbeat, and what the server does wrong by itself.",
    "",
    `${count(rows)} of ${rows.length} faults (${share} %) are named by a rule that was chosen for them: ${counts.join(", ")}.`,
    ...(rows.length < planned ? [`Not whole: ${rows.length} of the ${planned} faults of this run have been tried.`] : []),
    "",
    "| server | fault | what the proxy does | verdict | failed rules |",
    "|---|---|---|---|---|",
    ...rows.map(({ line }) => line),
    "",
  ].join("\n");
}
