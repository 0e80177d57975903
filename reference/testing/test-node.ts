// Nodes and connections for tests of the Redis hub.
import type {
  EphemeralEvent,
  HubSettings,
  Joined,
  LogEvent,
  Member,
  Position,
  Published,
  Refused,
  Subscriber,
} from "../hub/hub.ts";
import { RedisHub, type RedisHubOptions } from "../hub/redis-hub.ts";

export const testSettings: HubSettings = {
  membersPerRoom: 10_000,
  connectionsPerUser: 20,
  publishUser: { burst: 1_000_000, perSecond: 1_000_000 },
  eventsPerRoom: 1_000,
  keepRoomMs: 60_000,
  keepKeyMs: 120_000,
};

/** Short timeouts to detect a fault quickly, but long enough for a busy machine. */
export const quick = { commandMs: 1_000, leaseMs: 3_000, heartbeatMs: 50, settings: testSettings };
/** Long timeouts, for tests that do not depend on time. */
export const patient = { commandMs: 10_000, leaseMs: 60_000 };

/** Waits until the condition is true, at most 30 s. */
export async function until(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const endsAt = performance.now() + 30_000;
  while (!(await isTrue())) {
    if (performance.now() > endsAt) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export class TestNode {
  readonly hub: RedisHub;
  readonly statuses: string[] = [];
  readonly warnings: string[] = [];

  constructor(options: Partial<RedisHubOptions> & { url: string }) {
    this.hub = new RedisHub({
      ...quick,
      ...options,
      onStatus: (_, reason) => this.statuses.push(reason),
      onWarning: (reason) => this.warnings.push(reason),
    });
  }

  async available(): Promise<this> {
    await until(`the node is available (${this.hub.reason})`, () => this.hub.available);
    return this;
  }

  async connect(clientId: string, userId = clientId): Promise<TestConnection> {
    const connection = new TestConnection(this.hub, { clientId, userId, username: userId });
    const result = await this.hub.attach(connection);
    if (result !== "attached") throw new Error(result);
    return connection;
  }
}

export class TestConnection implements Subscriber {
  readonly member: Member;
  readonly events: LogEvent[] = [];
  readonly ephemeralEvents: EphemeralEvent[] = [];
  readonly lostRooms: (string | null)[] = [];
  readonly #hub: RedisHub;

  constructor(hub: RedisHub, member: Member) {
    this.#hub = hub;
    this.member = member;
  }

  onEvent(event: LogEvent): void {
    this.events.push(event);
  }

  onEphemeral(event: EphemeralEvent): void {
    this.ephemeralEvents.push(event);
  }

  onStateLost(room: string | null): void {
    this.lostRooms.push(room);
  }

  async join(room: string, since?: Position): Promise<Joined> {
    let joined: Joined | undefined;
    const refused = await this.#hub.join(this, room, since, (answer) => {
      joined = answer;
    });
    if (joined === undefined) throw new Error(refused?.refused ?? "never joined");
    return joined;
  }

  leave(room: string): Promise<void> {
    return this.#hub.leave(this, room, () => {});
  }

  publish(room: string, content: string, key?: string): Promise<Published | Refused> {
    return this.#hub.publish({ room, from: this.member, content, key, needsMembership: true });
  }

  async say(room: string, content: string): Promise<Published> {
    const answer = await this.publish(room, content);
    if ("refused" in answer) throw new Error(answer.refused);
    return answer;
  }

  detach(): Promise<void> {
    return this.#hub.detach(this);
  }

  /** Summaries of its events, such as `message hi` and `user_left bob disconnect 1`. */
  get told(): string[] {
    return this.events.map(({ text }) => {
      const { type, payload } = JSON.parse(text) as { type: string; payload: Record<string, unknown> };
      if (type === "message") return `message ${payload.content}`;
      return [type, payload.userId, payload.reason, payload.memberCount].filter((part) => part !== undefined).join(" ");
    });
  }
}

/** Publishes continuously until stopped, and keeps the acknowledged messages. */
export function chatter(
  connection: TestConnection,
  room: string,
): { acked: Map<number, string>; refused: string[]; stop(): Promise<void> } {
  const acked = new Map<number, string>();
  const refused: string[] = [];
  let isOver = false;
  const loop = (async () => {
    for (let count = 0; !isOver; count++) {
      const content = `${connection.member.clientId}-${count}`;
      try {
        acked.set((await connection.say(room, content)).seq, content);
      } catch (error) {
        refused.push((error as Error).name);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
  })();
  return {
    acked,
    refused,
    stop: () => {
      isOver = true;
      return loop;
    },
  };
}

/** Contents of the received messages, by seq. */
export const contents = (connection: TestConnection): Map<number, string> =>
  new Map(
    connection.events.map(({ seq, text }) => [seq, (JSON.parse(text) as { payload: { content: string } }).payload.content]),
  );
