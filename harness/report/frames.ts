// What connections did, as lines for a person: time, connection, direction, frame.
import type { History, HistoryEvent } from "../model/history.ts";

export interface FrameLine {
  /** Since the first line. */
  readonly atMs: number;
  /** Such as `c0`: connections are numbered anew, in the order of their first event. */
  readonly connection: string;
  readonly arrow: "->" | "<-" | "--";
  readonly text: string;
}

const maxText = 240;

/** One line an event, in order. */
export function frameLines(history: History): FrameLine[] {
  const numbers = new Map<number, number>();
  const startMs = history[0]?.atMs ?? 0;
  return history.map((event) => {
    if (event.connection >= 0 && !numbers.has(event.connection)) numbers.set(event.connection, numbers.size);
    const connection = event.connection < 0 ? "target" : `c${numbers.get(event.connection)}`;
    return { atMs: event.atMs - startMs, connection, ...describe(event) };
  });
}

function describe(event: HistoryEvent): Pick<FrameLine, "arrow" | "text"> {
  switch (event.kind) {
    case "open":
      return {
        arrow: "--",
        text: `open as ${event.user}${event.subprotocol === "" ? "" : `, subprotocol ${event.subprotocol}`}`,
      };
    case "send":
      return { arrow: "->", text: shown(event.frame, event.json) };
    case "receive":
      return { arrow: "<-", text: shown(event.frame, event.json) };
    case "hang-up":
      return { arrow: "--", text: event.code === 1006 ? "we reset the connection" : `we close with ${event.code}` };
    case "close":
      return {
        arrow: "<-",
        text:
          event.code === 1006
            ? `ends without a close frame ${event.reason}`.trim()
            : `close ${event.code} ${event.reason}`.trim(),
      };
    case "note":
      return { arrow: "--", text: event.text };
    case "fault":
      return { arrow: "--", text: `${event.what} (node ${event.node})` };
  }
}

function shown(frame: unknown, json: boolean): string {
  const text = json ? JSON.stringify(frame) : String(frame);
  return text.length > maxText ? `${text.slice(0, maxText)}... (${text.length} characters)` : text;
}
