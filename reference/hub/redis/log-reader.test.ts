// The reader of one log: order, gaps, the end of an epoch, and who waits for a delivery.
import { expect, it } from "vitest";
import { LogReader, type LogReaderOptions } from "./log-reader.ts";

const text = (seq: number, epoch = "e"): string => `${epoch} ${seq} 1 1 m op {"content":"${seq}"}`;
type ReadReply = Awaited<ReturnType<LogReaderOptions["read"]>>;

/** A reader on a stream whose reads are answered when the test says so. */
function create() {
  const delivered: number[] = [];
  const reads: { epoch: string; seq: number; answer(reply: ReadReply): Promise<void>; fail(): Promise<void> }[] = [];
  const state = { losses: 0, garbage: 0, nowMs: 0 };
  const reader = new LogReader({
    read: (epoch, seq) =>
      new Promise((resolve, reject) => {
        const settled = () => new Promise<void>((next) => setImmediate(next));
        reads.push({
          epoch,
          seq,
          answer(reply) {
            resolve(reply);
            return settled();
          },
          fail() {
            reject(new Error("Redis is away"));
            return settled();
          },
        });
      }),
    deliver: ({ seq }) => delivered.push(seq),
    onLost: () => {
      state.losses += 1;
    },
    onGarbage: () => {
      state.garbage += 1;
    },
    now: () => state.nowMs,
  });
  return { reader, delivered, reads, state };
}

const page = (end: number, ...seqs: number[]): ReadReply => ({ seq: end, entries: seqs.map((seq) => text(seq)) });

/** Whether the promise has been resolved by now. */
async function isResolved(promise: Promise<void>): Promise<boolean> {
  let resolved = false;
  void promise.then(() => {
    resolved = true;
  });
  await new Promise((next) => setImmediate(next));
  return resolved;
}

it("delivers each entry once and in order, and starts after the position", () => {
  const { reader, delivered, reads } = create();
  for (const seq of [1, 2, 3]) reader.receive(text(seq));
  expect(delivered).toEqual([]);
  reader.startAfter("e", 1, 1);
  for (const seq of [3, 2, 4, 4]) reader.receive(text(seq));
  expect([delivered, reads]).toEqual([[2, 3, 4], []]);
});

it("fills a gap from the stream", async () => {
  const { reader, delivered, reads } = create();
  reader.startAfter("e", 1, 1);
  reader.receive(text(4));
  expect(delivered).toEqual([]);
  await reads[0]!.answer(page(4, 2, 3, 4));
  expect(delivered).toEqual([2, 3, 4]);
  reader.receive(text(5));
  expect([delivered.at(-1), reads.length]).toEqual([5, 1]);
});

it("delivers entries that arrive during a refill after it, and only once", async () => {
  const { reader, delivered, reads } = create();
  reader.startAfter("e", 1, 1);
  const refilled = reader.refill();
  // The stream is read before 4 is appended, but 3 is both on the channel and in the reply.
  reader.receive(text(3));
  reader.receive(text(4));
  expect(delivered).toEqual([]);
  await reads[0]!.answer(page(3, 2, 3));
  await refilled;
  expect([delivered, reads.length]).toEqual([[2, 3, 4], 1]);
});

it("refills again when entries that arrived during a refill leave a gap", async () => {
  const { reader, delivered, reads } = create();
  reader.startAfter("e", 1, 1);
  void reader.refill();
  reader.receive(text(5));
  await reads[0]!.answer(page(2, 2));
  expect([delivered, reads.length, reads[1]?.seq]).toEqual([[2], 2, 2]);
  await reads[1]!.answer(page(5, 3, 4, 5));
  expect(delivered).toEqual([2, 3, 4, 5]);
});

it("reads page after page up to the end of the log", async () => {
  const { reader, delivered, reads } = create();
  reader.startAfter("e", 0, 1);
  void reader.refill();
  await reads[0]!.answer(page(4, 1, 2));
  expect(reads[1]?.seq).toBe(2);
  await reads[1]!.answer(page(4, 3, 4));
  expect([delivered, reads.length]).toEqual([[1, 2, 3, 4], 2]);
});

it("reads the same position again after a refill that failed", async () => {
  const { reader, delivered, reads, state } = create();
  reader.startAfter("e", 1, 1);
  void reader.refill();
  reader.receive(text(3));
  await reads[0]!.fail();
  expect([delivered, state.losses]).toEqual([[], 0]);
  void reader.refill();
  await reads[1]!.answer(page(3, 2, 3));
  expect(delivered).toEqual([2, 3]);
});

it.each([
  ["the stream skips an entry", page(3, 3)],
  ["the stream holds another epoch", { seq: 2, entries: [text(2, "f")] }],
  ["the stream holds garbage", { seq: 2, entries: ["garbage"] }],
  ["the entries are no longer kept", "gone"],
] as const)("is lost when %s", async (_, reply) => {
  const { reader, delivered, reads, state } = create();
  reader.startAfter("e", 1, 1);
  void reader.refill();
  const waiter = reader.reached(3);
  await reads[0]!.answer(reply);
  expect([delivered, state.losses, reader.position, await isResolved(waiter)]).toEqual([[], 1, undefined, true]);
});

it("asks the stream about an entry of another epoch, and is lost when its own has ended", async () => {
  const { reader, delivered, reads, state } = create();
  reader.startAfter("e", 7, 1);
  reader.receive(text(1, "f"));
  expect([reads.length, reads[0]!.epoch, delivered]).toEqual([1, "e", []]);
  await reads[0]!.answer("gone");
  expect(state.losses).toBe(1);
  // It can follow the new epoch, from where that is known.
  reader.startAfter("f", 1, 1);
  reader.receive(text(2, "f"));
  expect(delivered).toEqual([2]);
});

it("ignores the reply to a read of an earlier epoch", async () => {
  const { reader, delivered, reads, state } = create();
  reader.startAfter("e", 1, 1);
  void reader.refill();
  reader.markLost();
  reader.startAfter("f", 5, 1);
  await reads[0]!.answer(page(2, 2));
  await reads[1]?.answer({ seq: 5, entries: [] });
  expect([delivered, state.losses, reader.position]).toEqual([[], 1, { epoch: "f", seq: 5 }]);
});

it("counts garbage on the channel and goes on", () => {
  const { reader, delivered, state } = create();
  reader.startAfter("e", 1, 1);
  for (const bad of ["", "e 2", text(2).slice(0, -1), `${text(2)} `]) reader.receive(bad);
  reader.receive(text(2));
  expect([state.garbage, delivered]).toEqual([4, [2]]);
});

it("resolves a waiter when its entry has been delivered, and not before", async () => {
  const { reader } = create();
  reader.startAfter("e", 1, 1);
  const [third, second] = [reader.reached(3), reader.reached(2)];
  reader.receive(text(2));
  expect([await isResolved(second), await isResolved(third)]).toEqual([true, false]);
  reader.receive(text(3));
  expect(await isResolved(third)).toBe(true);
  expect(await isResolved(reader.reached(3))).toBe(true);
});

it("refills for a waiter, then gives up on it", async () => {
  const { reader, reads, state } = create();
  reader.startAfter("e", 1, 1);
  const early = reader.reached(2);
  state.nowMs = 900;
  const late = reader.reached(2);
  state.nowMs = 1_001;
  reader.checkWaiters(250, 1_000);
  expect([await isResolved(early), await isResolved(late), reads.length]).toEqual([true, false, 1]);
  // The refill under way is enough.
  reader.checkWaiters(250, 1_000);
  expect(reads.length).toBe(1);
  await reads[0]!.answer(page(2, 2));
  expect(await isResolved(late)).toBe(true);
});

it("resolves all waiters when reading ends", async () => {
  const { reader } = create();
  reader.startAfter("e", 1, 1);
  const waiter = reader.reached(2);
  reader.releaseWaiters();
  expect(await isResolved(waiter)).toBe(true);
});

it("drops its buffer when it is full, and reads the stream", async () => {
  const { reader, delivered, reads } = create();
  reader.startAfter("e", 1, 1);
  void reader.refill();
  for (let seq = 3; seq < 10_010; seq++) reader.receive(text(seq));
  await reads[0]!.answer(page(2, 2));
  expect([delivered, reads[1]?.seq]).toEqual([[2], 2]);
});
