import { base64url } from "jose";
import { expect, it } from "vitest";
import { createMask } from "./mask.ts";

const jwt = [{ alg: "HS256" }, { sub: "u-1" }].map((part) => base64url.encode(JSON.stringify(part))).join(".");

it("hides what it knows, unchanged, in a URL, in base64url and in JSON", () => {
  const mask = createMask(["first-secret", 'with "quotes" in it'], ["bearer."]);
  mask.add("second+secret==");
  const wire = base64url.encode("second+secret==");
  const text = `a=first-secret&b ${encodeURIComponent("second+secret==")} bearer.${wire} Bearer second+secret== {"t":"with \\"quotes\\" in it"}`;
  const hidden = "(credential)";
  expect(mask.hide(text)).toBe(`a=${hidden}&b ${hidden} ${hidden} Bearer ${hidden} {"t":"${hidden}"}`);
});

it("hides every JWT, also one that is cut, unsigned or encoded again", () => {
  const mask = createMask([]);
  for (const token of [`${jwt}.c2lnbmF0dXJl`, `${jwt}.`, jwt, base64url.encode(`${jwt}.c2ln`)]) {
    expect(mask.hide(`{"token":"${token}"} ?token=${token}&x`)).toBe('{"token":"(credential)"} ?token=(credential)&x');
  }
});

it("leaves other text alone, and words that are part of longer ones", () => {
  const mask = createMask(["secret-1", "abc"]);
  const text = 'secret-10 abc {"id":"i-1","type":"eyJ"} #/channels/rooms';
  expect(mask.hide(text)).toBe(text);
});
