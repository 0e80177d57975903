#!/usr/bin/env bash
# The document that @asyncapi/cli puts into a new generator template says version 3.0.0 and is written in version 2: AsyncAPI's own parser rejects it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm pack --silent @asyncapi/cli@4.1.1 >/dev/null
tar xzf asyncapi-cli-4.1.1.tgz package/package.json package/assets/create-template
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent @asyncapi/parser@3.6.6
cat > validate.mjs <<'JS'
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

const versionOf = (folder, name) => `${name} ${JSON.parse(readFileSync(`${folder}/package.json`, "utf8")).version}`;
console.log([versionOf("package", "@asyncapi/cli"), versionOf("node_modules/@asyncapi/parser", "@asyncapi/parser")].join(", "));
const source = readFileSync("package/assets/create-template/templates/default/asyncapi.yaml", "utf8");
console.log(`  ${source.split("\n")[0]}`);
const errors = (await new Parser().validate(source)).filter(({ severity }) => severity === 0);
for (const { message, path } of errors) console.log(`  ${path.join("/")}: ${message}`);
const asVersion2 = await new Parser().validate(source.replace("3.0.0", "2.6.0"));
const left = asVersion2.filter(({ severity }) => severity === 0).length;
console.log(`  the same with asyncapi: 2.6.0: ${left} errors`);
process.exit(errors.length > 0 && left === 0 ? 0 : 1);
JS
node validate.mjs
