import { expect, it } from "vitest";
import { withoutChunks } from "./upgrade.ts";

it("puts a chunked body together, whose sizes count bytes", () => {
  expect(withoutChunks('6\r\n{"é":\r\n2;x=y\r\n1}\r\n0\r\n\r\n')).toBe('{"é":1}');
  expect(withoutChunks("A\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n")).toBe("0123456789");
});

it("gives what there is of a body that breaks off, or is none", () => {
  expect(withoutChunks("5\r\nab")).toBe("ab");
  expect(withoutChunks("")).toBe("");
  expect(withoutChunks("no chunks")).toBe("");
});
