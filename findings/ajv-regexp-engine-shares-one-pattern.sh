#!/usr/bin/env bash
# Ajv's option code.regExp asks for objects with test() alone, but all of them that have no toString() of their own share the first pattern of a schema.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent ajv@8.20.0
cat > share.mjs <<'JS'
import { readFileSync } from "node:fs";
import { Ajv } from "ajv";

console.log(`ajv ${JSON.parse(readFileSync("node_modules/ajv/package.json", "utf8")).version}`);
const schema = {
  type: "object",
  properties: { letters: { type: "string", pattern: "^[a-z]+$" }, digits: { type: "string", pattern: "^[0-9]+$" } },
};
/** An engine as the type RegExpEngine has it: what it returns has the method test. */
const engine = (isNamed) =>
  Object.assign(
    (source, flags) => {
      const compiled = new RegExp(source, flags);
      return { test: (text) => compiled.test(text), ...(isNamed ? { toString: () => String(compiled) } : {}) };
    },
    { code: "new RegExp" },
  );
const value = { letters: "abc", digits: "123" };
const outcome = (options) => new Ajv(options).compile(schema)(value);
const seen = {
  "RegExp, the default": outcome({}),
  "objects with test and toString": outcome({ code: { regExp: engine(true) } }),
  "objects with test alone": outcome({ code: { regExp: engine(false) } }),
};
console.log(`${JSON.stringify(value)} fits the schema. By engine:`);
for (const [name, isValid] of Object.entries(seen)) console.log(`  ${name}: ${isValid ? "valid" : "INVALID"}`);
process.exit(Object.values(seen).join() === "true,true,false" ? 0 : 1);
JS
node share.mjs
