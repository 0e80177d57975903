#!/usr/bin/env bash
# json-schema-to-typescript 16.0.0 types an array of draft 07 without additionalItems as a closed tuple, although the schema, and ajv, accept further items of any type.
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
const schema = { type: "array", items: [{ type: "string" }, { type: "number" }], minItems: 2 };
const accepts = new ajvModule.default({ strictTuples: false }).validate(schema, ["a", 1, true]);
const type = (await compile(schema, "Row", { bannerComment: "" })).trim();
console.log(`ajv accepts ["a", 1, true]: ${accepts}\n${type}`);
process.exit(accepts && type.endsWith("export type Row = [string, number];") ? 0 : 1);
JS
node ask.mjs
