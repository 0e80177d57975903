// What the transformations of a proxy ask for: which direction they change, and which act applies to a frame. Pure.
import type { Direction } from "../../client/messages.ts";
import type {
  DeathCause,
  MessageAct,
  OnClose,
  OnControl,
  OnFrame,
  OnMessage,
  Transformation,
} from "../../conformance/faults/plan.ts";
import type { Traffic } from "./traffic.ts";

/** Whether frames of this direction may be changed, or others sent among them; if not, their bytes pass unchanged. */
export function changesDirection(transformations: readonly Transformation[], direction: Direction, traffic: Traffic): boolean {
  return transformations.some((one) => {
    if (one.on === "message") {
      return traffic.direction(one.match) === direction || (direction === "fromServer" && injects(one.act.do));
    }
    if (one.on === "control")
      return (one.frame === "server-ping" || one.frame === "server-pong") === (direction === "fromServer");
    if (one.on === "frame") return (one.act.do === "send") === (direction === "fromServer");
    if (one.on === "close" || one.on === "replay") return direction === "fromServer";
    return one.on === "end";
  });
}

function injects(act: MessageAct["do"]): boolean {
  return ["refuse", "accept", "copy-to", "deliver", "close"].includes(act);
}

export function keepsHalfOpen(transformations: readonly Transformation[]): boolean {
  return transformations.some(({ on }) => on === "end");
}

export function controlAct(transformations: readonly Transformation[], frame: OnControl["frame"]): OnControl["act"] | undefined {
  return transformations.find((one): one is OnControl => one.on === "control" && one.frame === frame)?.act;
}

export function diesOf(transformations: readonly Transformation[], cause: DeathCause): boolean {
  return transformations.some((one) => one.on === "death" && one.cause === cause);
}

/** @param code of the server's close frame */
export function closeAct(transformations: readonly Transformation[], code: number): OnClose["act"] | undefined {
  return transformations.find((one): one is OnClose => one.on === "close" && (one.code === undefined || one.code === code))?.act;
}

/** How the server's data frames are sent; undefined: unchanged. */
export function sendsAs(transformations: readonly Transformation[]): Extract<OnFrame["act"], { do: "send" }>["as"] | undefined {
  for (const one of transformations) if (one.on === "frame" && one.act.do === "send") return one.act.as;
  return undefined;
}

/** Counts the matches of a connection, for `everyNth` and `fromNth`. */
export class MatchCounter {
  readonly #counts = new Map<OnMessage, number>();

  /** Whether this match is one of those that the fault changes. */
  isTurn(one: OnMessage): boolean {
    const count = (this.#counts.get(one) ?? 0) + 1;
    this.#counts.set(one, count);
    return count % (one.match.everyNth ?? 1) === 0 && count >= (one.match.fromNth ?? 1);
  }
}
