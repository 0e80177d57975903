// The order of one sender's messages at each observer, where the document promises it and the messages tell which request they come from.
import type { Effect, Operation, Stream, Value } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import { canonical } from "../model/frame.ts";
import type { Protocol } from "../model/protocol.ts";
import type { CheckReport } from "./check-report.ts";
import type { CheckedConnection } from "./checked-connection.ts";

type Deliver = Extract<Effect, { kind: "deliver" }>;

/** The request that a delivered message comes from. */
interface Origin {
  readonly sender: CheckedConnection;
  readonly number: number;
}

const maxRequests = 20_000;
const maxLast = 1_000;

export class OrderWatch {
  readonly #protocol: Protocol;
  readonly #report: CheckReport;
  /** What a message says -> the request; undefined where several say the same. */
  readonly #origins = new Map<string, Origin | undefined>();
  /** Of each observer: sender -> the latest of its requests that it has seen. */
  readonly #last = new WeakMap<CheckedConnection, Map<CheckedConnection, number>>();

  constructor(protocol: Protocol, report: CheckReport) {
    this.#protocol = protocol;
    this.#report = report;
  }

  requested(sender: CheckedConnection, operation: Operation, frame: unknown, number: number): void {
    for (const effect of operation.effects) {
      if (effect.kind !== "deliver" || this.#ordered(effect.message) === undefined) continue;
      const said = saidBy(effect, (value) => {
        if (value.kind === "sender") return sender.attributes.get(value.attribute);
        return value.kind === "message" ? lookup(frame, value.pointer) : undefined;
      });
      this.#origins.set(said, this.#origins.has(said) ? undefined : { sender, number });
      if (this.#origins.size > maxRequests) this.#origins.delete(this.#origins.keys().next().value!);
    }
  }

  delivered(observer: CheckedConnection, effect: Deliver, frame: unknown): void {
    const stream = this.#ordered(effect.message);
    if (stream === undefined) return;
    const origin = this.#origins.get(saidBy(effect, (_, at) => lookup(frame, at)));
    if (origin === undefined) return;
    const last = this.#last.get(observer) ?? new Map<CheckedConnection, number>();
    this.#last.set(observer, last);
    const before = last.get(origin.sender) ?? -1;
    last.set(origin.sender, Math.max(before, origin.number));
    if (last.size > maxLast) last.delete(last.keys().next().value!);
    if (origin.number > before) this.#report.decide("order-per-sender");
    else if (origin.number < before)
      this.#report.fail(
        "order-per-sender",
        stream.pointer,
        `${effect.message} in the order of the requests of its sender`,
        `that of request ${origin.number + 1} after that of request ${before + 1}`,
        observer.recent(),
      );
  }

  #ordered(message: string): Stream | undefined {
    const stream = this.#protocol.streamOf(message);
    return stream?.order === "sender" && stream.guarantee === "exactly-once" ? stream : undefined;
  }
}

/** The values that the document binds from the request and its sender. */
function saidBy({ message, bindings }: Deliver, read: (value: Value, at: string) => unknown): string {
  const told = [...bindings].filter(([, { kind }]) => kind === "sender" || kind === "message");
  return `${message} ${told.map(([at, value]) => canonical(read(value, at))).join(" ")}`;
}
