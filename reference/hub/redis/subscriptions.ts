// The channels that this node is subscribed to. They stay subscribed across reconnects.
import { HubUnavailable } from "../hub.ts";
import type { Client } from "./server.ts";
import type { IsAffected } from "./shards.ts";

interface Channel {
  receive(text: string): void;
  isSubscribed: boolean;
  waiters: (() => void)[];
}

export class Subscriptions {
  readonly #channels = new Map<string, Channel>();
  readonly #clientFor: (channel: string) => Client | undefined;
  readonly #onFailed: () => void;
  readonly #onMessage = (text: string, channel: string): void => this.#channels.get(channel)?.receive(text);

  /**
   * @param clientFor the subscriber connection of the process that has the channel, while there is one
   * @param onFailed a connection refused a channel: it is breaking, or the channel has moved
   */
  constructor(clientFor: (channel: string) => Client | undefined, onFailed: () => void) {
    this.#clientFor = clientFor;
    this.#onFailed = onFailed;
  }

  /** Subscribes a new connection to all channels that are affected; resolves when all are subscribed. */
  async subscribeAll(client: Client, isAffected: IsAffected): Promise<void> {
    await Promise.all([...this.#channels.keys()].filter(isAffected).map((channel) => this.#subscribe(client, channel)));
  }

  onLost(isAffected: IsAffected): void {
    for (const [name, channel] of this.#channels) if (isAffected(name)) channel.isSubscribed = false;
  }

  /** Subscribes on their new process the channels that have moved, and all others that are not subscribed. */
  async onMoved(isAffected: IsAffected): Promise<void> {
    this.onLost(isAffected);
    const missing = [...this.#channels].filter(([, { isSubscribed }]) => !isSubscribed);
    await Promise.all(missing.map(([name]) => this.#subscribeWhereItIs(name)));
  }

  add(channel: string, receive: (text: string) => void): void {
    this.#channels.set(channel, { receive, isSubscribed: false, waiters: [] });
    void this.#subscribeWhereItIs(channel);
  }

  remove(channel: string): void {
    if (!this.#channels.delete(channel)) return;
    this.#clientFor(channel)
      ?.sUnsubscribe(channel, this.#onMessage)
      .catch(() => {});
  }

  /** When it fails, the next connection or the next topology subscribes the channel. */
  async #subscribeWhereItIs(channel: string): Promise<void> {
    const client = this.#clientFor(channel);
    if (client !== undefined) await this.#subscribe(client, channel).catch(this.#onFailed);
  }

  // One command per channel, because in a Cluster channels of different slots cannot share one.
  async #subscribe(client: Client, name: string): Promise<void> {
    await client.sSubscribe(name, this.#onMessage);
    const channel = this.#channels.get(name);
    if (channel === undefined || this.#clientFor(name) !== client) return;
    channel.isSubscribed = true;
    for (const resume of channel.waiters.splice(0)) resume();
  }

  /**
   * Resolves once the channel is subscribed.
   * @throws HubUnavailable after withinMs
   */
  subscribed(name: string, withinMs: number): Promise<void> {
    const channel = this.#channels.get(name);
    if (channel?.isSubscribed === true) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new HubUnavailable("Redis does not confirm a subscription")), withinMs);
      channel?.waiters.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
