// Appends messages: to rooms, to the log of all connections, to the inbox of a node.
import { KeyedLimiter } from "../../limiter.ts";
import { type HubSettings, HubUnavailable, HubUncertain, type Refused } from "../hub.ts";
import type { Reply } from "./commands.ts";
import type { RoomKeys } from "./keys.ts";
import type { RedisLink } from "./link.ts";

export interface Append {
  /** null: of all connections, or an inbox. */
  readonly room: string | null;
  readonly keys: RoomKeys;
  readonly userId: string;
  /** m message, i in an inbox. */
  readonly kind: "m" | "i";
  /** JSON. */
  readonly body: string;
  /** The connection that must be a member, or the empty string. */
  readonly member: string;
  readonly key: string | undefined;
  /** How long the log is kept where nobody is in the room, in ms; 0: for ever. */
  readonly keepMs: number;
  /** The user's rate has been asked already. */
  readonly isRated: boolean;
}

/** Of the log of all connections and of an inbox, for refill after a reconnect. Nobody asks for these by `since`. */
const leastKept = 1_000;

export class Publisher {
  readonly #link: RedisLink;
  readonly #settings: HubSettings;
  /** For the time while Redis is away. */
  readonly #limiter: KeyedLimiter;

  constructor(link: RedisLink, settings: HubSettings) {
    this.#link = link;
    this.#settings = settings;
    this.#limiter = new KeyedLimiter(settings.publishUser);
  }

  get isRateLocal(): boolean {
    const { all } = this.#link.commands;
    return all.length === 0 || all.some(({ commands }) => commands.server === undefined);
  }

  /** While the user's Redis is away nothing is accepted, but who asks too often is still told so. */
  countHere(userId: string): Refused | undefined {
    const { commands, keys } = this.#link;
    if (commands.of(keys.rate(userId))?.commands.server !== undefined) return undefined;
    const retryAfterMs = this.#limiter.take(userId, performance.now());
    return retryAfterMs === undefined ? undefined : { refused: "RATE_LIMITED", retryAfterMs };
  }

  /**
   * One call, and with it the user's rate, the membership and the idempotency key. The answer is that of publish.lua.
   * @throws HubUnavailable or HubUncertain
   */
  append(append: Append): Promise<Reply> {
    const { room, keys, userId, kind, body, member, key, keepMs } = append;
    const { commands, keys: names } = this.#link;
    const { publishUser, keepKeyMs, eventsPerRoom } = this.#settings;
    const op = this.#link.createOp();
    const logLength = room === null ? Math.max(leastKept, eventsPerRoom) : eventsPerRoom;
    let { isRated } = append;
    return commands.callOnce(async (isRetry) => {
      const { isCluster } = commands;
      if (isCluster && !isRated) {
        const answer = await this.#askUser(userId, key);
        // Membership comes before the key, but it is known elsewhere.
        const isMember =
          answer[0] !== "before" || member === "" || Number(await commands.send(["HEXISTS", keys.members, member]));
        if (!isMember) return ["not-member"];
        if (answer[0] !== "ok") return answer;
        isRated = true;
      }
      const once = isCluster ? keys.once(userId, key ?? "") : names.once(userId, key ?? "");
      const scriptKeys = [keys.meta, keys.stream, keys.members, once, ...(isRated ? [] : [names.rate(userId)])];
      const window = key === undefined ? "0" : `${keepKeyMs}`;
      const rate = [`${publishUser.burst}`, `${publishUser.perSecond}`];
      const args = [op, body, member, window, ...rate, isRetry ? "1" : "0", `${keepMs}`, kind, room ?? ""];
      const reply = await commands.call("publish", scriptKeys, args, logLength);
      if (isCluster && key !== undefined && reply[0] === "ok") {
        await commands.send(["SET", names.once(userId, key), `${reply[1]} ${reply[2]} ${room ?? ""}`, "NX", "PX", window]);
      }
      return reply;
    });
  }

  /** Counts a publish of the user in a call of its own. */
  async spend(userId: string): Promise<Refused | undefined> {
    const refused = this.countHere(userId);
    if (refused !== undefined) return refused;
    const counted = await asUnavailable(this.#askUser(userId));
    return counted[0] === "rate" ? { refused: "RATE_LIMITED", retryAfterMs: Number(counted[1]) } : undefined;
  }

  /** With a key, also looks for what it stood for before. */
  #askUser(userId: string, key?: string): Promise<Reply> {
    const { burst, perSecond } = this.#settings.publishUser;
    const { rate, once } = this.#link.keys;
    const keys = [rate(userId), ...(key === undefined ? [] : [once(userId, key)])];
    return this.#link.commands.call("user", keys, [`${burst}`, `${perSecond}`]);
  }
}

/** For what takes no effect that anybody would see: then an answer that was lost is as good as a refusal. */
export async function asUnavailable<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw error instanceof HubUncertain ? new HubUnavailable(error.message) : error;
  }
}
