// The bounded log of one room: its latest events, by seq.
import type { LogEvent, Position } from "./hub.ts";

export class RoomLog {
  readonly epoch: string;
  readonly #capacity: number;
  /** A ring: the event with seq n is at index (n - 1) modulo the capacity. */
  readonly #events: LogEvent[] = [];
  #seq = 0;

  /** @param capacity how many events are kept; 0 keeps none */
  constructor(epoch: string, capacity: number) {
    this.epoch = epoch;
    this.#capacity = capacity;
  }

  get position(): Position {
    return { epoch: this.epoch, seq: this.#seq };
  }

  /** How many events are kept now. */
  get size(): number {
    return this.#events.length;
  }

  /** Appends the event that `create` makes for the next position. */
  append(create: (position: Position) => LogEvent): LogEvent {
    this.#seq += 1;
    const event = create(this.position);
    if (this.#capacity > 0) this.#events[(this.#seq - 1) % this.#capacity] = event;
    return event;
  }

  /** Every event after `since`; undefined when some of them are not kept. */
  after(since: Position): readonly LogEvent[] | undefined {
    const missed = this.#seq - since.seq;
    if (since.epoch !== this.epoch || missed < 0 || missed > this.#events.length) return undefined;
    return Array.from({ length: missed }, (_, index) => this.#events[(since.seq + index) % this.#capacity]!);
  }
}
