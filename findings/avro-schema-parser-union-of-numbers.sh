#!/usr/bin/env bash
# AsyncAPI's Avro package turns a union of int and long into oneOf, which no int fits: the schema rejects 5, accepts only what an int cannot hold.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent @asyncapi/avro-schema-parser@3.1.0 avsc@5.7.9 ajv@8.20.0
cat > union.mjs <<'JS'
import { readFileSync } from "node:fs";
import { AvroSchemaParser } from "@asyncapi/avro-schema-parser";
import { Ajv } from "ajv";
import avsc from "avsc";

const versionOf = (name) => `${name} ${JSON.parse(readFileSync(`node_modules/${name}/package.json`, "utf8")).version}`;
console.log(["@asyncapi/avro-schema-parser", "avsc", "ajv"].map(versionOf).join(", "));
const record = (type) => ({ type: "record", name: "Reading", fields: [{ name: "value", type }] });
const seen = [];
for (const type of [["null", "int"], ["null", "int", "long"], ["int", "double"]]) {
  const avro = record(type);
  const schema = await AvroSchemaParser().parse({ data: structuredClone(avro), meta: {}, path: [] });
  const accepts = new Ajv({ strict: false, logger: false }).compile(JSON.parse(JSON.stringify(schema)));
  const [fits, isAvro] = [accepts({ value: 5 }), avsc.Type.forSchema(avro, { wrapUnions: true }).isValid({ value: { int: 5 } })];
  seen.push(fits);
  console.log(`  value of ${JSON.stringify(type)}: Avro takes the int 5: ${isAvro}, the JSON Schema accepts 5: ${fits}`);
}
process.exit(seen.join() === "true,false,false" ? 0 : 1);
JS
node union.mjs
