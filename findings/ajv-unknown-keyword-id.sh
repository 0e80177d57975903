#!/usr/bin/env bash
# Ajv refuses a draft-07 schema that has an unknown keyword named id, also with strict: false, though draft 07 ignores unknown keywords and Ajv any other.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent ajv@8.20.0
cat > id.mjs <<'JS'
import { readFileSync } from "node:fs";
import { Ajv } from "ajv";

console.log(`ajv ${JSON.parse(readFileSync("node_modules/ajv/package.json", "utf8")).version}, strict: false`);
/** What a person writes who forgets `properties`: one member of the message becomes a keyword. */
const outcome = (keyword) => {
  try {
    new Ajv({ strict: false }).compile({ type: "object", [keyword]: { type: "integer" } });
    return "ignored";
  } catch (error) {
    return `throws ${error.message}`;
  }
};
const seen = ["name", "ident", "id"].map((keyword) => [keyword, outcome(keyword)]);
for (const [keyword, what] of seen) console.log(`  keyword ${keyword}: ${what}`);
process.exit(seen.map(([, what]) => what.startsWith("throws")).join() === "false,false,true" ? 0 : 1);
JS
node id.mjs
