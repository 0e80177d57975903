#!/usr/bin/env bash
# AsyncAPI's Protobuf package describes a map field as one of its values, and asks for every proto3 field, so it rejects the JSON that protobufjs writes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent @asyncapi/protobuf-schema-parser@3.9.0 protobufjs@8.7.1 ajv@8.20.0
cat > map.mjs <<'JS'
import { readFileSync } from "node:fs";
import { ProtoBuffSchemaParser } from "@asyncapi/protobuf-schema-parser";
import { Ajv } from "ajv";
import protobuf from "protobufjs";

const versionOf = (name) => `${name} ${JSON.parse(readFileSync(`node_modules/${name}/package.json`, "utf8")).version}`;
console.log(["@asyncapi/protobuf-schema-parser", "protobufjs", "ajv"].map(versionOf).join(", "));
const source = 'syntax = "proto3"; message Stock { string shop = 1; map<string, int32> amounts = 2; }';
const schema = await ProtoBuffSchemaParser().parse({ data: source, meta: {}, path: [] });
console.log(`  amounts, a map<string, int32>: ${JSON.stringify(schema.properties.amounts)}`);
console.log(`  required: ${JSON.stringify(schema.required)}`);
const accepts = new Ajv({ strict: false, logger: false }).compile(JSON.parse(JSON.stringify(schema)));
const Stock = protobuf.parse(source).root.lookupType("Stock");
const seen = [{ shop: "a", amounts: { apple: 3 } }, { amounts: {} }].map((value) => {
  const json = Stock.decode(Stock.encode(Stock.fromObject(value)).finish()).toJSON();
  const fits = accepts(json);
  console.log(`  ${JSON.stringify(json)}, as protobufjs writes it: ${fits ? "accepted" : "rejected"}`);
  return fits;
});
process.exit(schema.properties.amounts.type === "integer" && seen.join() === "false,false" ? 0 : 1);
JS
node map.mjs
