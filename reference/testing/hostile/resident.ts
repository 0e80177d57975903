// A member of one room that talks all the time, comes back where it was when it is told that something may be lost, and keeps what it saw.
import type { LogEvent } from "../../hub/hub.ts";
import type { TestConnection, TestNode } from "../test-node.ts";
import { type Acked, checkStays, type StayFindings } from "./check-stays.ts";

/** Connections of which each recovered what the one before had missed. */
interface Stay {
  readonly epoch: string;
  readonly connections: TestConnection[];
  readonly joins: Set<number>;
}

const retryMs = 20;

export class Resident {
  readonly room: string;
  /** Times that it was told of a loss. */
  told = 0;
  readonly #node: TestNode;
  readonly #name: string;
  readonly #acked: Acked[];
  readonly #stays: Stay[] = [];
  readonly #ended = new AbortController();
  readonly #lives: Promise<void>;
  readonly #talks: Promise<void>;
  #connection: TestConnection | undefined;
  #isTalking = true;

  constructor(node: TestNode, room: string, name: string, acked: Acked[]) {
    this.room = room;
    this.#node = node;
    this.#name = name;
    this.#acked = acked;
    this.#lives = this.#live();
    this.#talks = this.#talk();
  }

  /** Whether it is in its room and was told of no loss since. */
  get isHome(): boolean {
    return this.#connection?.lostRooms.length === 0;
  }

  stopTalking(): Promise<void> {
    this.#isTalking = false;
    return this.#talks;
  }

  async leave(): Promise<void> {
    this.#ended.abort();
    await this.#lives;
  }

  /** Whether the last of what was acknowledged in its epoch has come. */
  hasSeen(acked: readonly Acked[]): boolean {
    const stay = this.#stays.at(-1);
    const last = Math.max(
      0,
      ...acked.filter(({ room, epoch }) => room === this.room && epoch === stay?.epoch).map(({ seq }) => seq),
    );
    return (seen(stay).at(-1)?.seq ?? 0) >= last;
  }

  /** @param acked all that was acknowledged */
  check(acked: readonly Acked[]): StayFindings {
    const stays = this.#stays.map(({ epoch, connections, joins }) => ({ epoch, joins, events: seen({ connections }) }));
    return checkStays(
      stays,
      acked.filter(({ room }) => room === this.room),
    );
  }

  async #live(): Promise<void> {
    const { signal } = this.#ended;
    for (let count = 0; !signal.aborted; count++) {
      const connection = await this.#node.connect(`${this.#name}-${count}`, this.#name).catch(() => undefined);
      if (connection === undefined) {
        await pause();
        continue;
      }
      await this.#enter(connection);
      this.#connection = connection;
      while (!signal.aborted && connection.lostRooms.length === 0) await pause();
      this.#connection = undefined;
      if (!signal.aborted) this.told++;
      await connection.detach();
    }
  }

  /** Joins, with what it had seen last, until it succeeds, is told of a loss or must end. */
  async #enter(connection: TestConnection): Promise<void> {
    const stay = this.#stays.at(-1);
    const last = seen(stay).at(-1);
    while (!this.#ended.signal.aborted && connection.lostRooms.length === 0) {
      const joined = await connection.join(this.room, last).catch(() => undefined);
      if (joined === undefined) {
        await pause();
        continue;
      }
      if (joined.recovered === true && stay !== undefined) stay.connections.push(connection);
      else this.#stays.push({ epoch: joined.epoch, connections: [connection], joins: new Set() });
      this.#stays.at(-1)!.joins.add(joined.seq);
      return;
    }
  }

  async #talk(): Promise<void> {
    for (let count = 0; this.#isTalking; count++) {
      const content = `${this.#name}-${count}`;
      const published = await this.#connection?.publish(this.room, content).catch(() => undefined);
      if (published === undefined || "refused" in published) await pause();
      else this.#acked.push({ room: this.room, epoch: published.epoch, seq: published.seq, content });
    }
  }
}

function seen(stay: Pick<Stay, "connections"> | undefined): readonly LogEvent[] {
  return (stay?.connections ?? []).flatMap(({ events }) => events);
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, retryMs));
}
