// Frames around RFC 6455: valid ones in all their forms, and the same with a mistake in header, length, mask, order or content.
import type { Draw } from "./draw.ts";
import { drawText } from "./fuzz-messages.ts";
import { clientFrame, opcodes } from "./raw-socket.ts";

/** What one connection sends. */
export interface FuzzCase {
  readonly frames: number;
  readonly bytes: Buffer;
  /** Offsets at which the bytes are written apart. */
  readonly cuts: readonly number[];
}

const final = 0x80;
const mask = (draw: Draw): Buffer => (draw.oncePer(2) ? Buffer.alloc(4) : draw.bytes(4));
const text = (draw: Draw): Buffer => clientFrame(final | opcodes.text, Buffer.from(drawText(draw)), mask(draw));

/** A message in 2 to 8 fragments, with a control frame in between once in a while. */
function fragmented(draw: Draw): Buffer {
  const payload = Buffer.from(drawText(draw));
  const parts = draw.whole(2, 8);
  const frames: Buffer[] = [];
  for (let part = 0; part < parts; part++) {
    const [start, end] = [part, part + 1].map((index) => Math.floor((payload.length * index) / parts));
    const opcode = part === 0 ? opcodes.text : opcodes.continuation;
    frames.push(clientFrame((part === parts - 1 ? final : 0) | opcode, payload.subarray(start, end), mask(draw)));
    if (draw.oncePer(4)) frames.push(control(draw));
  }
  return Buffer.concat(frames);
}

function control(draw: Draw): Buffer {
  return clientFrame(final | draw.one([opcodes.ping, opcodes.pong]), draw.bytes(draw.whole(0, 125)), mask(draw));
}

function close(draw: Draw): Buffer {
  const payload = draw.bytes(draw.one([0, 1, 2, 2, 10, 125]));
  if (payload.length >= 2 && draw.oncePer(2)) payload.writeUInt16BE(draw.one([1000, 1001, 3000, 4999]));
  return clientFrame(final | opcodes.close, payload, mask(draw));
}

/** Each breaks the RFC, or may. */
const mistakes: readonly ((draw: Draw) => Buffer)[] = [
  // Any first byte: reserved bits, reserved opcodes, fragmented control frames, binary.
  (draw) => clientFrame(draw.whole(0, 255), draw.bytes(draw.whole(0, 20)), mask(draw)),
  // Any header and what follows it.
  (draw) => draw.bytes(draw.whole(1, 30)),
  // Without the mask bit.
  (draw) => Buffer.concat([Buffer.from([final | opcodes.text, draw.whole(0, 20)]), draw.bytes(draw.whole(0, 20))]),
  // A length in more bytes than needed.
  (draw) => Buffer.concat([Buffer.from([final | opcodes.text, 0xfe, 0, 1, 0, 0, 0, 0]), draw.bytes(1)]),
  // A length that is beyond every bound, or beyond what follows.
  (draw) => Buffer.concat([Buffer.from([final | opcodes.text, 0xff]), draw.bytes(8), draw.bytes(4)]),
  (draw) => clientFrame(final | opcodes.text, Buffer.from(drawText(draw))).subarray(0, -1),
  // A control frame that is too long or cut into fragments.
  (draw) => clientFrame(final | opcodes.ping, draw.bytes(draw.whole(126, 200))),
  (draw) => clientFrame(draw.one([opcodes.ping, opcodes.pong, opcodes.close]), draw.bytes(2)),
  // Content that is not UTF-8.
  (draw) => clientFrame(final | opcodes.text, draw.bytes(draw.whole(1, 20)), mask(draw)),
  // A message within another, and an unexpected continuation frame.
  (draw) => Buffer.concat([clientFrame(opcodes.text, Buffer.from("{")), text(draw)]),
  (draw) => clientFrame(draw.one([0, final]) | opcodes.continuation, draw.bytes(draw.whole(0, 5))),
  (draw) => clientFrame(final | opcodes.binary, draw.bytes(draw.whole(0, 50))),
  (draw) => clientFrame(final | opcodes.text, Buffer.alloc(draw.whole(65_536, 70_000), 0x20)),
];

/** The frames of one connection: many good ones around the contract, and in one case of three a mistake behind them. */
export function drawCase(draw: Draw): FuzzCase {
  const isBroken = draw.oncePer(3);
  const frames: Buffer[] = Array.from({ length: draw.whole(1, 60) }, () =>
    draw.oncePer(8) ? draw.one([fragmented, control])(draw) : text(draw),
  );
  if (isBroken) frames.push(draw.one(mistakes)(draw), text(draw));
  else if (draw.oncePer(4)) frames.push(close(draw), text(draw));
  const bytes = Buffer.concat(frames);
  const cuts = Array.from({ length: draw.whole(0, 3) }, () => draw.whole(0, bytes.length)).sort((one, other) => one - other);
  return { frames: frames.length, bytes, cuts };
}
