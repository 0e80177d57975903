#!/usr/bin/env bash
# @asyncapi/parser 3.6.6 answers a schema with a property named hasOwnProperty with an uncaught TypeError of its resolver, not with a diagnostic of the document.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent @asyncapi/parser@3.6.6
cat > ask.mjs <<'JS'
import { readFileSync } from "node:fs";
import parserModule from "@asyncapi/parser";

const { version } = JSON.parse(readFileSync("node_modules/@asyncapi/parser/package.json", "utf8"));
const documentWith = (property) => JSON.stringify({
  asyncapi: "3.0.0",
  info: { title: "Flags", version: "1.0.0" },
  channels: { flags: { address: "/flags", messages: { flag: { payload: { type: "object", properties: { [property]: { type: "boolean" } } } } } } },
});
const errorsOf = async (property) => {
  const { Parser } = parserModule;
  const { diagnostics } = await new Parser().parse(documentWith(property));
  return diagnostics.filter(({ severity }) => severity === 0).map(({ code, message }) => `${code}: ${message.split("\n")[0].slice(0, 140)}`);
};
console.log(`@asyncapi/parser ${version}, node ${process.version}`);
const plain = await errorsOf("isOwner");
const odd = await errorsOf("hasOwnProperty");
console.log("a property named isOwner:       ", plain);
console.log("a property named hasOwnProperty:", odd);
process.exit(plain.length === 0 && odd.some((text) => text.includes("hasOwnProperty is not a function")) ? 0 : 1);
JS
node ask.mjs
