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

it("hides what is left of a credential that was cut", () => {
  const mask = createMask(["first-secret-of-many"], ["bearer."]);
  const marked = (text: string) => [`${text}...`, `${text}\u2026`, `${text}... (900 characters)`];
  for (const piece of ["first-secre", "first-secret-of-many", "bearer.first-secret-o"]) {
    for (const text of marked(piece)) expect(mask.hide(`{"token":"${text}`)).toMatch(/^\{"token":"\(credential\)/);
    expect(mask.hide(piece)).toBe("(credential)");
  }
  for (let length = 4; length < jwt.length; length++) {
    for (const text of marked(jwt.slice(0, length))) expect(mask.hide(text)).toMatch(/^\(credential\)/);
    for (const text of marked(base64url.encode(jwt).slice(0, length))) expect(mask.hide(text)).toMatch(/^\(credential\)/);
  }
  expect(mask.hide(`x ${jwt.slice(0, 12)}`)).toBe("x (credential)");
});
