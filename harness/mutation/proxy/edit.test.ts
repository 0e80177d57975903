import { expect, it } from "vitest";
import { edited } from "./edit.ts";

const message = { a: { text: "ab", at: "2026-01-31T09:30:00.000Z", n: 1, yes: true, none: null, list: [1, 2] } };
const at = (pointer: string, value: unknown) => (value as { a: Record<string, unknown> }).a[pointer.slice(3)];

it.each([
  ["/a/text", "ax"],
  ["/a/n", 2],
  ["/a/yes", false],
  ["/a/none", "x"],
  ["/a/list", [1]],
])("alters %s to another value of its type", (pointer, value) => {
  expect(at(pointer, edited(message, { do: "alter", pointer }))).toEqual(value);
});

it.each([
  ["/a/text", 2],
  ["/a/n", "1"],
  ["/a/yes", "true"],
  ["/a/none", 0],
  ["/a/list", "list"],
])("gives %s another type", (pointer, value) => {
  expect(at(pointer, edited(message, { do: "retype", pointer }))).toEqual(value);
});

it("shifts numbers and times, removes, sets what was not there, and lets be what it cannot find", () => {
  expect(at("/a/n", edited(message, { do: "add", pointer: "/a/n", by: -3 }))).toBe(-2);
  expect(at("/a/at", edited(message, { do: "add", pointer: "/a/at", by: 1 }))).toBe("2026-01-31T09:30:00.001Z");
  expect(edited(message, { do: "remove", pointer: "/a" })).toEqual({});
  expect(edited(message, { do: "remove", pointer: "/a/list/0" })).toMatchObject({ a: { list: [2] } });
  expect(edited(message, { do: "set", pointer: "/b", value: 1 })).toEqual({ ...message, b: 1 });
  expect(edited(message, { do: "alter", pointer: "/c" })).toBe(message);
});
