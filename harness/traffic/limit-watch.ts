// Whether the server enforces its rate limits and its limits on errors, as far as times that were seen from outside prove it.
import type { Channel, ErrorValue, Operation } from "../../spec/contract.ts";
import { limitInForce, rateInForce } from "../model/outcomes.ts";
import type { CheckReport } from "./check-report.ts";
import type { CheckedConnection } from "./checked-connection.ts";
import type { TrafficEvent } from "./traffic-event.ts";

/** Requests that are remembered for each limit of a connection. */
const maxRemembered = 2_000;

/** A request and its reply: the server handled it between the two. */
interface Handled {
  readonly sent: TrafficEvent;
  readonly answered: TrafficEvent;
}

export class LimitWatch {
  readonly #channel: Channel;
  readonly #report: CheckReport;
  readonly #handled = new WeakMap<CheckedConnection, Map<string, Handled[]>>();

  constructor(channel: Channel, report: CheckReport) {
    this.#channel = channel;
    this.#report = report;
  }

  /** A request had success. */
  accepted(connection: CheckedConnection, operation: Operation, sent: TrafficEvent, answered: TrafficEvent): void {
    for (const requirement of operation.requires) {
      if (requirement.kind !== "rate") continue;
      const limit = this.#channel.rateLimits.find(({ name }) => name === requirement.limit);
      if (limit?.scope !== "connection") continue;
      const { burst, perSecond } = rateInForce(limit, connection);
      const list = this.#list(connection, limit.name);
      list.push({ sent, answered });
      this.#report.decide("rate-limit-enforced");
      // Looked at in windows of the burst and a bit, twice as many, four times as many, and so on.
      for (let count = Math.ceil(burst) + 2; count <= list.length; count *= 2) {
        const spanMs = answered.atMs - list[list.length - count]!.sent.atMs;
        if (count <= burst + (spanMs / 1000) * perSecond + 1) continue;
        const actual = `${count} successes in ${Math.round(spanMs)} ms`;
        const expected = `at most ${burst} at once, then ${perSecond} per second`;
        this.#report.fail("rate-limit-enforced", limit.pointer, expected, actual, connection.recent());
        list.length = 0;
        break;
      }
      if (list.length > maxRemembered) list.splice(0, maxRemembered / 2);
    }
  }

  /** A request was rejected. */
  rejected(connection: CheckedConnection, code: ErrorValue | undefined, sent: TrafficEvent, answered: TrafficEvent): void {
    for (const limit of this.#channel.limits) {
      if (limit.kind !== "errors" || limit.close === undefined || code === undefined || !limit.errors.includes(code)) continue;
      const list = this.#list(connection, limit.name);
      list.push({ sent, answered });
      const most = limitInForce(limit, connection);
      while (list.length > 0 && answered.atMs - list[0]!.sent.atMs >= limit.windowMs) list.shift();
      this.#report.decide("limit-on-errors-closes");
      // The one that is over the limit may still be answered.
      if (list.length <= most + 1) continue;
      const expected = `close code ${limit.close} beyond ${most} such errors in ${limit.windowMs} ms`;
      this.#report.fail("limit-on-errors-closes", limit.pointer, expected, `${list.length} errors`, connection.recent());
      list.length = 0;
    }
  }

  #list(connection: CheckedConnection, name: string): Handled[] {
    const lists = this.#handled.get(connection) ?? new Map<string, Handled[]>();
    this.#handled.set(connection, lists);
    const list = lists.get(name) ?? [];
    lists.set(name, list);
    return list;
  }
}
