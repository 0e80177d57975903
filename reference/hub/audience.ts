// The subscribers of one room, and how an event reaches all of them.
import type { LogEvent, Subscriber } from "./hub.ts";

/** Sends each event to all its subscribers, in the order of the calls. */
export interface Audience {
  add(subscriber: Subscriber): void;
  delete(subscriber: Subscriber): void;
  send(event: LogEvent): void;
}

/** Calls one subscriber after the other. */
export class PlainAudience implements Audience {
  readonly #subscribers = new Set<Subscriber>();

  add(subscriber: Subscriber): void {
    this.#subscribers.add(subscriber);
  }

  delete(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber);
  }

  send(event: LogEvent): void {
    for (const subscriber of this.#subscribers) subscriber.onEvent(event);
  }
}
