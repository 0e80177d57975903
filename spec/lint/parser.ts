// The official parser's opinion. It is slow to load (half a second), so only this file imports it, and only when asked.
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Finding } from "../contract.ts";

/** Advice on publishing a document in a catalogue, without consequence for what is judged. */
const advice =
  /-(latest-version|tags|tag-description|id|messageId|operationId|defaultContentType|info-.*|unused-component|unused-.*)$/;
/** Our own checks say the same with the value and a fix. */
const covered = new Set([
  "asyncapi2-message-examples",
  "asyncapi3-message-examples",
  "asyncapi2-channel-parameters",
  "asyncapi3-channel-parameters",
  "invalid-ref",
]);

/** The parser fetches every remote `$ref`, in examples and x- keys too, which are no references to us. It gets an empty document instead. */
const nothingRemote = ["http", "https"].map((schema) => ({ schema, order: 1, read: () => "{}" }));

/** What @asyncapi/parser finds in a document as it stands in its file. */
export async function validateWithParser(file: string): Promise<Finding[]> {
  const { Parser } = await import("@asyncapi/parser");
  const diagnostics = await new Parser({ __unstable: { resolver: { resolvers: nothingRemote } } }).validate(
    await readFile(file, "utf8"),
    { source: path.resolve(file) },
  );
  return diagnostics
    .filter(({ code, severity }) => !covered.has(String(code)) && (severity === 0 || !advice.test(String(code))))
    .map(({ code, message, range, path: where, severity }): Finding => {
      const refused = severity === 0;
      return {
        severity: refused ? "error" : "info",
        id: `parser-${code}`,
        file,
        line: range.start.line + 1,
        column: range.start.character + 1,
        pointer: ["#", ...where.map((token) => String(token).replaceAll("~", "~0").replaceAll("/", "~1"))].join("/"),
        expected: "what @asyncapi/parser accepts",
        actual: message,
        fix: refused ? "fix this first: other tools reject the document" : "see the AsyncAPI specification",
      };
    });
}
