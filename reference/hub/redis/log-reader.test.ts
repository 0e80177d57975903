// The reader of one log: order, gaps, and who waits.
import { expect, it } from "vitest";
import { LogReader } from "./log-reader.ts";

const text = (seq: number): string => `e ${seq} 1 1 m op {"content":"${seq}"}`;

function create(stream: readonly number[]) {
  const delivered: number[] = [];
  let losses = 0;
  const reader = new LogReader({
    read: async (_, seq) => ({ seq: stream.at(-1) ?? 0, entries: stream.filter((one) => one > seq).map(text) }),
    deliver: ({ seq }) => delivered.push(seq),
    onLost: () => {
      losses += 1;
    },
    onGarbage: () => {},
    now: () => 0,
  });
  return { reader, delivered, losses: () => losses };
}

it("hands on each event once and in order, and fills a gap from the stream", async () => {
  const { reader, delivered } = create([1, 2, 3, 4, 5]);
  // Heard before it is known where to begin.
  for (const seq of [1, 2, 3]) reader.receive(text(seq));
  reader.startAfter("e", 1, 1);
  reader.receive(text(3));
  reader.receive(text(5));
  await reader.reached(5);
  expect(delivered).toEqual([2, 3, 4, 5]);
});

it("is lost where the stream has a hole", async () => {
  const { reader, delivered, losses } = create([1, 3]);
  reader.startAfter("e", 1, 1);
  await reader.refill();
  expect([delivered, losses()]).toEqual([[], 1]);
});

it("lets go who waits when nobody reads on", async () => {
  const { reader } = create([]);
  reader.startAfter("e", 1, 1);
  const waits = reader.reached(2);
  reader.releaseWaiters();
  await waits;
});
