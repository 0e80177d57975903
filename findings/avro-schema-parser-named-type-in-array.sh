#!/usr/bin/env bash
# AsyncAPI's Avro package forgets a named type that is defined inside an array: a later field of that type becomes a schema that accepts anything.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent @asyncapi/avro-schema-parser@3.1.0
cat > named.mjs <<'JS'
import { readFileSync } from "node:fs";
import { AvroSchemaParser } from "@asyncapi/avro-schema-parser";

const { version } = JSON.parse(readFileSync("node_modules/@asyncapi/avro-schema-parser/package.json", "utf8"));
console.log(`@asyncapi/avro-schema-parser ${version}`);
const point = { type: "record", name: "Point", fields: [{ name: "x", type: "int" }] };
/** The schema of the second field, whose type is only named. */
async function laterField(first) {
  const fields = [{ name: "first", type: first }, { name: "later", type: "Point" }];
  const schema = await AvroSchemaParser().parse({ data: { type: "record", name: "Route", fields }, meta: {}, path: [] });
  return JSON.stringify(schema.properties.later);
}
const seen = [];
for (const [where, first] of [["a field", point], ["an array", { type: "array", items: point }], ["a map", { type: "map", values: point }]]) {
  const later = await laterField(first);
  seen.push(later === "{}" || later === undefined);
  console.log(`  Point is defined in ${where}; the later field of type Point: ${later}`);
}
process.exit(seen.join() === "false,true,true" ? 0 : 1);
JS
node named.mjs
