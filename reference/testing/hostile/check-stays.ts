// What a member of a room saw beside what was acknowledged there: nothing is missing, doubled or changed, unless it was told of a loss. Pure.
import type { LogEvent, Position } from "../../hub/hub.ts";

/** A message that was acknowledged, and where. */
export interface Acked extends Position {
  readonly room: string;
  readonly content: string;
}

/** What came without a gap. A stay ends when the member is told that something may be lost, and does not recover it. */
export interface SeenStay {
  readonly epoch: string;
  /** Seqs of its own joins, which only the others are told. */
  readonly joins: ReadonlySet<number>;
  readonly events: readonly Pick<LogEvent, "epoch" | "seq" | "text">[];
}

export interface StayFindings {
  readonly anomalies: string[];
  /** Contents that are gone with their log, or that came while the member was away: of each it was told. */
  readonly missedAndTold: string[];
}

/** @param stays in their order; the last has not ended. @param acked of the same room */
export function checkStays(stays: readonly SeenStay[], acked: readonly Acked[]): StayFindings {
  const anomalies: string[] = [];
  const contents = new Map<string, string>();
  const seqOf = new Map<string, string>();
  for (const { joins, events } of stays) {
    events.forEach(({ epoch, seq, text }, at) => {
      let due = (events[at - 1]?.seq ?? seq - 1) + 1;
      while (due < seq && joins.has(due)) due++;
      if (seq !== due) anomalies.push(`${epoch} ${seq} where ${due} was due`);
      const { content } = (JSON.parse(text) as { payload: { content?: string } }).payload;
      if (content === undefined) return;
      const place = `${epoch} ${seq}`;
      if ((seqOf.get(content) ?? place) !== place) anomalies.push(`${place} is ${content}, as ${seqOf.get(content)} was`);
      contents.set(place, content);
      seqOf.set(content, place);
    });
  }
  const missedAndTold: string[] = [];
  for (const { epoch, seq, content } of acked) {
    const found = contents.get(`${epoch} ${seq}`);
    if (found === content) continue;
    const wasThere = stays.some(({ epoch: own, events }, at) => {
      const [first, last] = [events[0]?.seq, events.at(-1)?.seq];
      return own === epoch && first !== undefined && seq > first && (at === stays.length - 1 || seq < last!);
    });
    if (found === undefined && !wasThere) missedAndTold.push(content);
    else anomalies.push(`${epoch} ${seq} is ${found ?? "missing"}, acknowledged was ${content}`);
  }
  return { anomalies, missedAndTold };
}
