// What the contract suite of the hubs works with: a fresh cluster for each test, and connections that record what they receive.
import { afterEach, expect } from "vitest";
import type { EphemeralEvent, Hub, HubSettings, Joined, LogEvent, Position, Published, Refused, Subscriber } from "../hub/hub.ts";

/** Hubs that share their rooms, and their clock. */
export interface HubCluster {
  readonly nodes: readonly Hub[];
  /** Lets at least `ms` pass for all that the hubs measure. */
  advance(ms: number): Promise<void>;
  /** Closes the nodes and frees the backend. */
  close(): Promise<void>;
}

/** Makes a fresh cluster with nothing in it. Both nodes may be one and the same hub where the backend is its memory. */
export type CreateCluster = (settings: HubSettings, nodeCount: number) => Promise<HubCluster>;

export const contractSettings: HubSettings = {
  membersPerRoom: 200,
  connectionsPerUser: 3,
  publishUser: { burst: 1000, perSecond: 1000 },
  eventsPerRoom: 50,
  keepRoomMs: 60_000,
  keepKeyMs: 120_000,
};

/** A connection that writes down what reaches it, in order. */
export class Recorder implements Subscriber {
  readonly member;
  /** `joined` and `left` are the moments at which the callbacks came. */
  readonly log: (
    | { readonly kind: "event"; readonly event: LogEvent }
    | { readonly kind: "ephemeral"; readonly event: EphemeralEvent }
    | { readonly kind: "joined"; readonly joined: Joined }
    | { readonly kind: "left" | "lost"; readonly room: string | null }
  )[] = [];
  #changed: () => void = () => {};

  constructor(clientId: string, userId = `user-of-${clientId}`) {
    this.member = { clientId, userId, username: `Name of ${userId}` };
  }

  onEvent(event: LogEvent): void {
    this.#add({ kind: "event", event });
  }
  onEphemeral(event: EphemeralEvent): void {
    this.#add({ kind: "ephemeral", event });
  }
  onStateLost(room: string | null): void {
    this.#add({ kind: "lost", room });
  }
  #add(entry: Recorder["log"][number]): void {
    this.log.push(entry);
    this.#changed();
  }

  /** Joins through `hub`. @throws where it is refused */
  async join(hub: Hub, room: string, since?: Position): Promise<Joined> {
    const refused = await hub.join(this, room, since, (joined) => this.#add({ kind: "joined", joined }));
    if (refused) throw new Error(`join refused: ${refused.refused}`);
    const joined = this.log.findLast((entry) => entry.kind === "joined");
    if (joined?.kind !== "joined") throw new Error("onJoined was not called");
    return joined.joined;
  }
  async leave(hub: Hub, room: string): Promise<void> {
    await hub.leave(this, room, () => this.#add({ kind: "left", room }));
  }

  /** The events of `room` so far, parsed. */
  events(room: string | null) {
    const events = this.log.flatMap((entry) => (entry.kind === "event" && entry.event.room === room ? [entry.event] : []));
    return events.map((event) => ({ ...event, frame: JSON.parse(event.text) }));
  }
  /** What was said in `room`, in the order of its arrival. */
  contents(room: string | null): string[] {
    return this.events(room).flatMap(({ frame }) => (frame.type === "message" ? [frame.payload.content] : []));
  }
  ephemeralPayloads() {
    return this.log.flatMap((entry) => (entry.kind === "ephemeral" ? [JSON.parse(entry.event.text)] : []));
  }

  /** Waits until `condition` holds. @throws after 10 s, with all that came */
  async until(condition: () => boolean): Promise<void> {
    const deadline = Date.now() + 10_000;
    while (!condition()) {
      if (Date.now() > deadline) throw new Error(`never came; so far: ${JSON.stringify(this.log)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 100);
        this.#changed = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
  untilSaid(room: string | null, content: string): Promise<void> {
    return this.until(() => this.contents(room).includes(content));
  }
}

export async function say(
  hub: Hub,
  from: Recorder,
  room: string | null,
  content: string,
  key?: string,
): Promise<Published | Refused> {
  return hub.publish({ room, from: from.member, content, key, needsMembership: room !== null });
}

export function published(answer: Published | Refused): Published {
  if ("refused" in answer) throw new Error(`refused: ${answer.refused}`);
  return answer;
}

/** Starts a cluster in a test. It is closed after the test. */
export type StartCluster = ReturnType<typeof createStarter>;

/** Call it once in a describe block. */
export function createStarter(createCluster: CreateCluster) {
  let open: HubCluster | undefined;
  let attached: [Hub, Recorder][] = [];
  let names = 0;

  afterEach(async () => {
    for (const [hub, recorder] of attached) await hub.detach(recorder);
    attached = [];
    await open?.close();
    open = undefined;
  });

  async function start(changes: Partial<HubSettings> = {}) {
    open = await createCluster({ ...contractSettings, ...changes }, 2);
    const [one, two] = open.nodes as [Hub, Hub];
    const { advance } = open;
    async function connect(hub: Hub, userId?: string): Promise<Recorder> {
      names += 1;
      const recorder = new Recorder(`c-${names}`, userId);
      expect(await hub.attach(recorder)).toBe("attached");
      attached.push([hub, recorder]);
      return recorder;
    }
    return { one, two, connect, advance: (ms: number) => advance(ms) };
  }

  return start;
}
