#!/usr/bin/env bash
# Beside a $ref, json-schema-to-typescript 16.0.0 keeps the properties and drops the target, while ajv 8 checks both and draft 07 says that the properties count for nothing.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent json-schema-to-typescript@16.0.0 ajv@8.17.1
cat > ask.mjs <<'JS'
import { readFileSync } from "node:fs";
import ajvModule from "ajv";
import { compile } from "json-schema-to-typescript";

const version = (name) => JSON.parse(readFileSync(`node_modules/${name}/package.json`, "utf8")).version;
console.log(`json-schema-to-typescript ${version("json-schema-to-typescript")}, ajv ${version("ajv")}`);
const schema = {
  $ref: "#/definitions/named",
  properties: { age: { type: "number" } },
  definitions: { named: { type: "object", required: ["name"], properties: { name: { type: "string" } } } },
};
const validate = new ajvModule.default().compile(structuredClone(schema));
const outcomes = [{}, { name: "a", age: "old" }, { name: "a", age: 1 }].map((value) => `${JSON.stringify(value)} ${validate(value)}`);
const type = await compile(structuredClone(schema), "Person", { bannerComment: "" });
console.log(`ajv: ${outcomes.join(", ")}\n${type.trim()}`);
const dropsTarget = !/name[?]?:/.test(type.split("export interface Person")[1]?.split("}")[0] ?? type);
process.exit(outcomes.join() === '{} false,{"name":"a","age":"old"} false,{"name":"a","age":1} true' && dropsTarget ? 0 : 1);
JS
node ask.mjs
