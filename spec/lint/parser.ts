// What the official parser rejects. It takes most of the time of lint, so only this file imports it, and only for a document in which nothing else is wrong.
import path from "node:path";
import type { Finding } from "../contract.ts";
import { join } from "../pointer.ts";
import { isRecord } from "../raw.ts";
import { at, type SourceTree } from "../source-tree.ts";

/** Rules that our own checks cover, with the value and a fix; and one that repeats another before references are followed. */
const covered = [
  "asyncapi2-message-examples",
  "asyncapi2-message-examples-custom-format",
  "asyncapi2-channel-parameters",
  "asyncapi3-channel-parameters",
  "asyncapi2-schemas",
  "asyncapi2-schema-default",
  "asyncapi2-schema-examples",
  "asyncapi-document-unresolved",
];

/** The parser fetches every remote `$ref`, in examples and x- keys too, which are no references to us. It gets an empty document instead. */
const nothingRemote = ["http", "https"].map((schema) => ({ schema, order: 1, read: () => "{}" }));

/** So many values of an enum tell the parser what they are; it compares each with each. */
const maxEnum = 50;

/**
 * What makes @asyncapi/parser, and so the tools that are built on it, reject a document as it was read, before conversion and overlay.
 * It gets plain data and gives paths, so that the YAML is parsed once. It never throws: what ends the parser is a finding.
 */
export async function validateWithParser(tree: SourceTree): Promise<Finding[]> {
  const { Parser } = await import("@asyncapi/parser");
  const ruleset = { recommended: false, rules: Object.fromEntries(covered.map((rule) => [rule, "off"])) } as object;
  const run = async () => {
    const parser = new Parser({ ruleset, __unstable: { resolver: { resolvers: nothingRemote } } });
    return parser.validate(JSON.stringify(shortened(tree.root)), { source: path.resolve(tree.file) });
  };
  const diagnostics = await run().catch((error: unknown) => error as Error);
  if (!Array.isArray(diagnostics)) return [at(tree, "#", parserFailed(diagnostics))];
  return diagnostics
    .filter(({ code, severity }) => String(code) !== "invalid-ref" && severity === 0)
    .map(
      ({ code, message, path: where }): Finding =>
        at(tree, join("#", ...where.map(String)), {
          severity: "error",
          id: `parser-${code}`,
          expected: "what @asyncapi/parser accepts",
          actual: message,
          fix: "fix this first: other tools reject the document",
        }),
    );
}

const parserFailed = (error: Error) =>
  ({
    severity: "info",
    id: "parser-failed",
    expected: "an answer of @asyncapi/parser",
    actual: error.message.split("\n")[0] ?? "an error",
    fix: "No action needed: all other checks ran.",
  }) as const;

function shortened(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shortened);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => [
      // The parser calls this method of every object.
      key === "hasOwnProperty" ? "hasOwnProperty_" : key,
      key === "enum" && Array.isArray(child) ? child.slice(0, maxEnum) : shortened(child),
    ]),
  );
}
