// What an answer to permessage-deflate agrees to, and messages that are inflated as they were deflated.
import { describe, expect, it } from "vitest";
import { encodeFrame, FrameDecoder, opcode } from "./frame.ts";
import { MessageReader } from "./message-reader.ts";
import { deflate, Inflater, readAnswer } from "./permessage-deflate.ts";

const offer = "permessage-deflate; client_max_window_bits";

describe("the answer to an offer", () => {
  it("is read with its parameters", () => {
    expect(readAnswer(offer, "permessage-deflate; server_no_context_takeover; client_max_window_bits=12")).toEqual({
      parameters: {
        serverNoContextTakeover: true,
        clientNoContextTakeover: false,
        serverMaxWindowBits: 15,
        clientMaxWindowBits: 12,
      },
      wrong: [],
    });
  });
  it("may decline", () => {
    expect(readAnswer(offer, undefined)).toBeUndefined();
    expect(readAnswer(offer, "x-other")).toBeUndefined();
  });
  it.each([
    [undefined, "permessage-deflate", "not offered"],
    ["permessage-deflate", "permessage-deflate; client_max_window_bits=10", "not offered"],
    [offer, "permessage-deflate; server_max_window_bits=16", "8 to 15"],
    [offer, "permessage-deflate; server_max_window_bits", "8 to 15"],
    ["permessage-deflate; server_max_window_bits=10", "permessage-deflate; server_max_window_bits=12", "over the 10"],
    ["permessage-deflate; server_max_window_bits=10", "permessage-deflate", "asked for"],
    ["permessage-deflate; server_no_context_takeover", "permessage-deflate", "asked for"],
    [offer, "permessage-deflate; server_no_context_takeover; server_no_context_takeover", "twice"],
    [offer, "permessage-deflate; client_no_context_takeover=1", "the value 1"],
    [offer, "permessage-deflate; mystery", "unknown parameter"],
    [offer, "permessage-deflate, permessage-deflate", "2 times"],
  ])("%s answered by %s is wrong: %s", (offered, answer, why) => {
    expect(readAnswer(offered, answer)!.wrong.join()).toContain(why);
  });
});

const parameters = { ...readAnswer(offer, "permessage-deflate")!.parameters };
const inflater = (more: Partial<typeof parameters> = {}) => new Inflater({ ...parameters, ...more }, 1_000);

/** Begins with a block type that DEFLATE does not have. */
const noBlock = Buffer.from([0x07, 0xff]);

describe("messages", () => {
  it("come back as they were, the empty one too", () => {
    for (const text of ["", "hello", "hello hello hello".repeat(20)]) {
      expect(
        inflater()
          .inflate(deflate(Buffer.from(text)))!
          .toString(),
      ).toBe(text);
    }
    expect(
      inflater()
        .inflate(Buffer.from([0x00]))!
        .toString(),
    ).toBe("");
  });
  it("may refer to earlier ones, unless that is ruled out", () => {
    const [first, second] = ["a message with some words in it", "with some words in it, a message"];
    const [one, two] = [deflate(Buffer.from(first)), deflate(Buffer.from(second), { history: Buffer.from(first) })];
    expect(two.length).toBeLessThan(deflate(Buffer.from(second)).length);
    const keeping = inflater();
    expect([one, two].map((payload) => keeping.inflate(payload)?.toString())).toEqual([first, second]);
    const forgetting = inflater({ serverNoContextTakeover: true });
    expect([one, two].map((payload) => forgetting.inflate(payload)?.toString())[1]).not.toBe(second);
  });
  it("inflate to the limit and no further", () => {
    expect(inflater().inflate(deflate(Buffer.alloc(1_000)))).toHaveLength(1_000);
    expect(inflater().inflate(deflate(Buffer.alloc(1_001)))).toBeUndefined();
  });
  it("are undefined where they are no DEFLATE data", () => {
    expect(inflater().inflate(noBlock)).toBeUndefined();
  });
});

describe("a reader of frames", () => {
  const read = (reader: MessageReader, ...frames: Parameters<typeof encodeFrame>[0][]) => {
    const decoder = new FrameDecoder();
    return frames.flatMap((frame) => decoder.push(encodeFrame(frame)).flatMap((one) => reader.read(one)));
  };
  it("inflates a message in fragments, of which the first alone has RSV1", () => {
    const payload = deflate(Buffer.from("hello"));
    const fragments = [
      { opcode: opcode.text, reserved: 4, fin: false, payload: payload.subarray(0, 3) },
      { opcode: opcode.continuation, payload: payload.subarray(3) },
    ];
    expect(read(new MessageReader("server", inflater()), ...fragments)).toMatchObject([{ kind: "text", text: "hello" }]);
  });
  it("takes RSV1 for a violation on continuations, on control frames, and where nothing was agreed", () => {
    const agreed = new MessageReader("server", inflater());
    expect(read(agreed, { opcode: opcode.ping, reserved: 4 })[0]).toMatchObject({ kind: "broken" });
    const fragments = [
      { opcode: opcode.text, fin: false, payload: "a" },
      { opcode: opcode.continuation, reserved: 4, payload: "b" },
    ];
    expect(read(agreed, ...fragments)[0]).toMatchObject({ kind: "broken" });
    expect(read(new MessageReader("server"), { opcode: opcode.text, reserved: 4 })[0]).toMatchObject({ kind: "broken" });
  });
  it("takes a message that does not inflate for a violation", () => {
    const plain = { opcode: opcode.text, reserved: 4, payload: noBlock };
    expect(read(new MessageReader("server", inflater()), plain)).toMatchObject([
      { kind: "broken", clause: "RFC 7692 section 7.2.2" },
    ]);
  });
});
