// A reconnect storm of hundreds; `npm run hostile` runs it with 5 000.
import { expect, test } from "vitest";
import { runReconnectStorm } from "./reconnect-storm.ts";

test("everybody comes back after a restart, nobody is refused, and the memory is given back", async () => {
  const result = await runReconnectStorm({ clients: 400, storms: 3 });
  expect(result.refused).toBe(0);
  expect(result.leakedDescriptors).toBeLessThanOrEqual(0);
  expect(result.heapBytesPerClient).toBeGreaterThan(0);
  // A tenth of what the clients needed: caches of V8 and of prom-client may grow.
  expect(result.leakedBytes).toBeLessThan((400 * result.heapBytesPerClient) / 10 + 500_000);
});
