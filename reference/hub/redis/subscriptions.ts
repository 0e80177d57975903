// The channels that this node listens to, kept over reconnects.
import { HubUnavailable } from "../hub.ts";
import type { Client } from "./server.ts";
import type { Concerns } from "./shards.ts";

interface Channel {
  hear(text: string): void;
  isReady: boolean;
  waiting: (() => void)[];
}

export class Subscriptions {
  readonly #channels = new Map<string, Channel>();
  readonly #listenerOf: (channel: string) => Client | undefined;
  readonly #failed: () => void;
  readonly #listener = (text: string, channel: string): void => this.#channels.get(channel)?.hear(text);

  /**
   * @param listenerOf the connection that listens where the channel is, while there is one
   * @param failed a connection did not take a channel: it breaks, or the channel is elsewhere
   */
  constructor(listenerOf: (channel: string) => Client | undefined, failed: () => void) {
    this.#listenerOf = listenerOf;
    this.#failed = failed;
  }

  /** Subscribes a new connection to everything that concerns it; resolves when all is heard again. */
  async prepare(client: Client, concerns: Concerns): Promise<void> {
    await Promise.all([...this.#channels.keys()].filter(concerns).map((channel) => this.#subscribe(client, channel)));
  }

  down(concerns: Concerns): void {
    for (const [name, channel] of this.#channels) if (concerns(name)) channel.isReady = false;
  }

  /** These are elsewhere now. They are subscribed there, and so is whatever is not heard; resolves when all is heard that can be. */
  async moved(concerns: Concerns): Promise<void> {
    this.down(concerns);
    const unheard = [...this.#channels].filter(([, { isReady }]) => !isReady);
    await Promise.all(unheard.map(([name]) => this.#subscribeWhereItIs(name)));
  }

  add(channel: string, hear: (text: string) => void): void {
    this.#channels.set(channel, { hear, isReady: false, waiting: [] });
    void this.#subscribeWhereItIs(channel);
  }

  remove(channel: string): void {
    if (!this.#channels.delete(channel)) return;
    this.#listenerOf(channel)
      ?.sUnsubscribe(channel, this.#listener)
      .catch(() => {});
  }

  /** Where it fails the next connection subscribes it, or whoever finds out where it is. */
  async #subscribeWhereItIs(channel: string): Promise<void> {
    const client = this.#listenerOf(channel);
    if (client !== undefined) await this.#subscribe(client, channel).catch(this.#failed);
  }

  // One by one, because in a Cluster channels of different slots cannot share a command.
  async #subscribe(client: Client, name: string): Promise<void> {
    await client.sSubscribe(name, this.#listener);
    const channel = this.#channels.get(name);
    if (channel === undefined || this.#listenerOf(name) !== client) return;
    channel.isReady = true;
    for (const resume of channel.waiting.splice(0)) resume();
  }

  /**
   * Resolves once the channel is heard.
   * @throws HubUnavailable after withinMs
   */
  ready(name: string, withinMs: number): Promise<void> {
    const channel = this.#channels.get(name);
    if (channel?.isReady === true) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new HubUnavailable("Redis does not confirm a subscription")), withinMs);
      channel?.waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
