// The channels that this node listens to, kept over reconnects.
import { HubUnavailable } from "../hub.ts";
import type { Client } from "./server.ts";

interface Channel {
  hear(text: string): void;
  isReady: boolean;
  waiting: (() => void)[];
}

export class Subscriptions {
  readonly #channels = new Map<string, Channel>();
  #client: Client | undefined;
  readonly #listener = (text: string, channel: string): void => this.#channels.get(channel)?.hear(text);

  /** Subscribes a new connection to everything; resolves when all is heard again. */
  async prepare(client: Client): Promise<void> {
    this.#client = client;
    await Promise.all([...this.#channels.keys()].map((channel) => this.#subscribe(client, channel)));
  }

  down(): void {
    this.#client = undefined;
    for (const channel of this.#channels.values()) channel.isReady = false;
  }

  add(channel: string, hear: (text: string) => void): void {
    this.#channels.set(channel, { hear, isReady: false, waiting: [] });
    // Where it fails the connection is broken, and the next one subscribes it.
    if (this.#client !== undefined) this.#subscribe(this.#client, channel).catch(() => {});
  }

  remove(channel: string): void {
    if (!this.#channels.delete(channel)) return;
    this.#client?.sUnsubscribe(channel, this.#listener).catch(() => {});
  }

  // One by one, because in a Cluster channels of different slots cannot share a command.
  async #subscribe(client: Client, name: string): Promise<void> {
    await client.sSubscribe(name, this.#listener);
    const channel = this.#channels.get(name);
    if (channel === undefined || this.#client !== client) return;
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
