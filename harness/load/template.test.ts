import fc from "fast-check";
import { expect, it } from "vitest";
import { createTemplate } from "./template.ts";

const at = { id: "/id", content: "/payload/text" };

it("writes what JSON.stringify writes, whatever else the message holds", () => {
  const ours = fc.stringMatching(/^[\w .-]{0,20}$/);
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue(), ours, ours, (rest, more, id, content) => {
      const message = (one: string, text: string) => ({ ...rest, id: one, payload: { text, more } });
      const written = JSON.parse(createTemplate(message("?", "?"), at).emit(id, content));
      expect(written).toEqual(JSON.parse(JSON.stringify(message(id, content))));
    }),
  );
});

it("leaves alone what has no id or no content", () => {
  const message = { type: "ping", payload: { text: "Hello" } };
  expect(createTemplate(message, { id: undefined, content: undefined }).emit("l1", "x")).toBe(JSON.stringify(message));
  expect(JSON.parse(createTemplate(message, { id: undefined, content: at.content }).emit("l1", "x"))).toEqual({
    type: "ping",
    payload: { text: "x" },
  });
});

it("adds an id where the message has none yet", () => {
  expect(JSON.parse(createTemplate({ payload: {} }, { id: "/id", content: undefined }).emit("l1", ""))).toEqual({
    id: "l1",
    payload: {},
  });
});

it("refuses content that JSON would escape, and takes an id of any type", () => {
  const template = createTemplate({ id: "", payload: { text: "" } }, at);
  for (const text of ['"', "\\", "\n", "é"]) {
    expect(() => template.emit("l1", text)).toThrow("needs an escape");
    expect(JSON.parse(template.emit(text, "x"))).toEqual({ id: text, payload: { text: "x" } });
  }
  expect(JSON.parse(template.emit(7, "x"))).toEqual({ id: 7, payload: { text: "x" } });
});
