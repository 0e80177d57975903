// Whether clients come back as the close code of their last connection says. A client is known by the user that its first message names.
import type { Channel } from "../../spec/contract.ts";
import type { CheckReport } from "./check-report.ts";
import type { TrafficEvent } from "./traffic-event.ts";

type Open = Extract<TrafficEvent, { kind: "open" }>;
type Close = Extract<TrafficEvent, { kind: "close" }>;

/** How soon a return counts as one, and how much earlier than asked it may be. */
const returnMs = 5_000;
const clockSlackMs = 50;
const maxUsers = 10_000;

export class ReconnectWatch {
  readonly #channel: Channel;
  readonly #report: CheckReport;
  readonly #open = new Map<string, number>();
  /** User -> how its last connection ended. */
  readonly #ended = new Map<string, Close>();
  /** Users with several connections at once: which one comes back cannot be told. */
  readonly #several = new Set<string>();

  constructor(channel: Channel, report: CheckReport) {
    this.#channel = channel;
    this.#report = report;
  }

  opened(user: string, event: Open): void {
    if (user === "") return;
    const count = (this.#open.get(user) ?? 0) + 1;
    this.#open.set(user, count);
    if (count > 1 && this.#several.size < maxUsers) this.#several.add(user);
    const last = this.#ended.get(user);
    this.#ended.delete(user);
    const code = this.#channel.closeCodes.find((one) => one.code === last?.code);
    if (last === undefined || code === undefined || code.by === "client" || this.#several.has(user)) return;
    const waitedMs = event.atMs - last.atMs;
    const leastMs = code.minDelayMs ?? 0;
    const isStop = code.reconnect === "stop";
    const isTooSoon = isStop ? code.code !== 1000 && waitedMs < returnMs : waitedMs < leastMs - clockSlackMs;
    if (!isTooSoon) {
      this.#report.decide("client-reconnects-as-told");
      return;
    }
    const expected = isStop ? `no return after ${code.code}` : `at least ${leastMs} ms after ${code.code}`;
    const actual = `a new connection after ${Math.round(waitedMs)} ms`;
    this.#report.fail("client-reconnects-as-told", code.pointer, expected, actual, [last, event]);
  }

  /** @param isByServer the server closed with a code */
  closed(user: string, event: Close, isByServer: boolean): void {
    if (user === "") return;
    const count = (this.#open.get(user) ?? 1) - 1;
    if (count > 0) this.#open.set(user, count);
    else this.#open.delete(user);
    if (!isByServer) return;
    this.#ended.set(user, event);
    if (this.#ended.size > maxUsers) this.#ended.delete(this.#ended.keys().next().value!);
  }
}
