// A client that asks for much and reads nothing for a time: how its connection ended, and which replies came once it read again.
import type { Operation, RateLimit } from "../../../../spec/contract.ts";
import { lookup } from "../../../../spec/pointer.ts";
import type { ContractUnderTest } from "../../../client/context.ts";
import { withValueAt } from "../../../client/messages.ts";
import { encodeFrame, opcode, parseClosePayload } from "../../../client/wire/frame.ts";
import { FrameScanner, joinFragments, Unreadable } from "../../../client/wire/frame-scanner.ts";
import { NotTestable } from "../../../schema/errors.ts";
import { canonicalText } from "../../../schema/json.ts";
import type { Context } from "../../context.ts";

/** A request whose reply fills the queue of a client that does not read. */
export interface BulkyRequest {
  readonly operation: Operation;
  readonly message: unknown;
  readonly correlation: string;
  /** Where the reply carries the id. */
  readonly replyIds: readonly string[];
  /** What the reply takes at least. */
  readonly replyBytes: number;
  /** The rate that it is under, if any. */
  readonly bucket: RateLimit | undefined;
}

export interface SlowReading {
  readonly sent: number;
  /** Requests whose reply never came, though the connection stayed open. */
  readonly missing: number;
  readonly doubled: number;
  /** 1006 where there was no close frame; undefined: it was open to the end. */
  readonly closeCode: number | undefined;
}

/** What the kernels of both sides take before a byte waits in the server. */
const kernelBytes = 12_000_000;
const longestText = 60_000;
/** More small requests are not sent: a server may take seconds for them. */
const maxRequests = 50_000;
const requestsPerWrite = 500;

/** Requests with an id that any connection may send at any time, and that have no other effect than their reply. The fence comes first. */
export function freeRequests({ contract, channel }: ContractUnderTest): readonly Operation[] {
  const isFree = ({ action, channel: id, reply, exercise, requires, effects, messages }: Operation) =>
    action === "receive" &&
    id === channel.id &&
    reply !== undefined &&
    exercise === "full" &&
    requires.every(({ kind }) => kind === "rate") &&
    effects.every(({ kind }) => kind === "reply") &&
    contract.messages.some(({ name, correlation }) => name === messages[0] && correlation !== undefined);
  const isFence = ({ id }: Operation) => id === channel.delivery?.fence;
  return contract.operations.filter(isFree).toSorted((one, other) => Number(isFence(other)) - Number(isFence(one)));
}

/** The rate that the operation is under on this channel. */
export function bucketOf({ channel }: ContractUnderTest, { requires }: Operation): RateLimit | undefined {
  const rates = requires.flatMap((one) => (one.kind === "rate" ? [one.limit] : []));
  return channel.rateLimits.find(({ name }) => rates.includes(name));
}

/**
 * The request with the longest reply: one that gives back a text that may be long, else any, sent the more often.
 * @throws NotTestable where there is none
 */
export function bulkyRequest(context: Context, operations = freeRequests(context)): BulkyRequest {
  const limits = context.channel.limits.flatMap((limit) =>
    limit.kind === "message-bytes" ? [context.effective(limit) - 1_000] : [],
  );
  const most = Math.min(longestText, ...limits);
  const requests = operations.map((operation) => ofOperation(context, operation, most));
  const [longest] = requests.toSorted((one, other) => other.replyBytes - one.replyBytes);
  if (longest === undefined) throw new NotTestable("no request with an id can be sent at any time");
  return longest;
}

function ofOperation(context: Context, operation: Operation, most: number): BulkyRequest {
  const [name = ""] = operation.messages;
  const example = context.example(name);
  const correlation = context.message(name).correlation!;
  const replies = context.contract.messages.filter((message) => operation.reply?.includes(message.name));
  const shared = {
    operation,
    correlation,
    replyIds: [...new Set(replies.flatMap((reply) => reply.correlation ?? []))],
    bucket: bucketOf(context, operation),
  };
  const effect = operation.effects.find(({ kind }) => kind === "reply");
  const values = effect?.kind === "reply" ? [...effect.bindings.values()] : [];
  for (const value of values) {
    if (value.kind !== "message") continue;
    for (let length = most; length >= 64; length = Math.floor(length * 0.7)) {
      const message = withValueAt(example, value.pointer, "x".repeat(length));
      if (context.wrongWith(name, message).length === 0) return { ...shared, message, replyBytes: length };
    }
  }
  return { ...shared, message: example, replyBytes: 40 };
}

/**
 * Asks for more than the kernels and the queue take, does not read for `ms`, then reads all that comes.
 * @param queueBytes what may wait in the server
 * @param isDecided whether the end of another client has decided already: then this one gives up
 */
export async function stopReading(
  context: Context,
  request: BulkyRequest,
  ms: number,
  queueBytes: number,
  isDecided: () => boolean = () => false,
): Promise<SlowReading> {
  const { operation, message, correlation, replyBytes, bucket } = request;
  const [name] = operation.messages;
  const client = await context.dial();
  const wanted = Math.min(maxRequests, Math.ceil((kernelBytes + 2 * queueBytes) / replyBytes));
  const { burst, perSecond } = bucket === undefined ? { burst: wanted, perSecond: 0 } : context.effective(bucket);
  const ids = new Map<string, number>();
  const frame = () => {
    const id = context.id(name);
    ids.set(canonicalText(id), 0);
    const payload = JSON.stringify(withValueAt(message, correlation, id));
    return encodeFrame({ opcode: opcode.text, payload, maskKey: ids.size });
  };
  const ask = (count: number) => client.sendRaw(Buffer.concat(Array.from({ length: count }, frame)));
  client.pause();
  const untilMs = context.clock.nowMs() + ms;
  for (let left = burst; left > 0 && client.closed === undefined; left -= requestsPerWrite) {
    ask(Math.min(left, requestsPerWrite));
    await context.clock.sleep(0);
  }
  while (context.clock.nowMs() < untilMs && !isDecided()) {
    await context.clock.sleep(perSecond > 0 ? 1000 / perSecond : untilMs - context.clock.nowMs());
    if (perSecond > 0) ask(1);
  }
  if (isDecided()) {
    client.destroy();
    return { sent: ids.size, missing: ids.size, doubled: 0, closeCode: undefined };
  }
  const closeCode = await readAll(context, client, request, ids);
  const counts = [...ids.values()];
  return {
    sent: counts.length,
    missing: counts.filter((count) => count === 0).length,
    doubled: counts.filter((count) => count > 1).length,
    closeCode,
  };
}

/**
 * Reads until each id has come, the connection ends, or nothing came for the deadline. Bytes are read as they are: there are more than
 * a history holds.
 * @returns the close code; undefined where the connection is open
 */
async function readAll(
  context: Context,
  client: Awaited<ReturnType<Context["dial"]>>,
  { replyIds }: BulkyRequest,
  ids: Map<string, number>,
): Promise<number | undefined> {
  const { socket, waiting, closed } = client.handOver();
  let closeCode = closed?.code;
  let lastMs = context.clock.nowMs();
  let missing = ids.size;
  const read = (text: string) => {
    const value = parse(text);
    for (const pointer of replyIds) {
      const id = canonicalText(lookup(value, pointer) ?? null);
      const count = ids.get(id);
      if (count === undefined) continue;
      if (count === 0) missing -= 1;
      ids.set(id, count + 1);
    }
  };
  for (const { text } of waiting) read(text);
  const scanner = new FrameScanner(
    joinFragments(
      (bytes, start, end) => read(bytes.toString("utf8", start, end)),
      (code, _isFinal, bytes, start, end) => {
        const payload = bytes.subarray(start, end);
        if (code === opcode.ping) socket.sendFrame({ opcode: opcode.pong, payload });
        if (code === opcode.close) closeCode ??= parseClosePayload(payload).code;
      },
    ),
  );
  socket.takeBytes({
    bytes(chunk) {
      lastMs = context.clock.nowMs();
      try {
        scanner.push(chunk);
      } catch (error) {
        if (!(error instanceof Unreadable)) throw error;
        closeCode ??= 1006;
        socket.destroy();
      }
    },
    ended: () => {
      closeCode ??= 1006;
    },
  });
  socket.resume();
  while (closeCode === undefined && missing > 0 && context.clock.nowMs() < lastMs + context.timeoutMs)
    await context.clock.sleep(20);
  // A doubled reply comes right behind the first.
  if (closeCode === undefined) await context.clock.sleep(50);
  socket.sendClose(1000);
  return closeCode;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
