import { expect, it } from "vitest";
import { escapeLine, escapeMarkup, escapeTerminal } from "./escape.ts";

const acts = "\u001b[2J\u0000\u0007\r\u007f\u009b31m\u202egnp\u2066\u200f\u061c\ud800";

it("leaves no control character to a terminal, and shows each", () => {
  const text = escapeTerminal(`a\n\tb ${acts} \u00e9\u{1f600}`);
  expect(text).toBe(
    "a\n\tb \\u001b[2J\\u0000\\u0007\\u000d\\u007f\\u009b31m\\u202egnp\\u2066\\u200f\\u061c\\ud800 \u00e9\u{1f600}",
  );
  expect(escapeLine("a\nb\tc")).toBe("a\\nb\\tc");
});

it("keeps JSON the same value", () => {
  const json = JSON.stringify({ name: acts.slice(0, -1) });
  expect(JSON.parse(escapeTerminal(json))).toEqual(JSON.parse(json));
});

it("lets nothing become markup", () => {
  expect(escapeMarkup(`<b a="1">&'\u0000\u202e</b>`)).toBe("&lt;b a=&quot;1&quot;&gt;&amp;&#39;\\u0000\\u202e&lt;/b&gt;");
});
