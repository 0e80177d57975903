// Creates the hub that the settings ask for. The Redis client is loaded only when it is used.
import { idempotencyMs } from "../generated/protocol.gen.ts";
import type { Clock } from "./clock.ts";
import type { Config } from "./config.ts";
import type { FanOut } from "./fan-out.ts";
import type { Hub, HubSettings } from "./hub/hub.ts";
import { MemoryHub } from "./hub/memory-hub.ts";
import type { Logger } from "./log.ts";

export async function createHub(config: Config, clock: Clock, log: Logger, fanOut: FanOut): Promise<Hub> {
  const { membersPerRoom, connectionsPerUser } = config.limits;
  const { eventsPerRoom, keepRoomMs, rates } = config;
  const { publishUser } = rates;
  const keepKeyMs = idempotencyMs.chat;
  const settings: HubSettings = { membersPerRoom, connectionsPerUser, publishUser, eventsPerRoom, keepRoomMs, keepKeyMs };
  if (config.redisUrl === undefined) return new MemoryHub(settings, clock, fanOut.createAudience);
  const { RedisHub } = await import("./hub/redis-hub.ts");
  return new RedisHub({
    url: config.redisUrl,
    settings,
    onStatus: (isAvailable, reason) => log[reason === "ok" ? "info" : "warn"]({ isAvailable, reason }, "hub"),
    onWarning: (reason) => log.warn({ reason }, "hub"),
  });
}
