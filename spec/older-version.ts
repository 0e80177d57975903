// AsyncAPI 2.x, by the official converter, which is loaded only for such a document.
import type { Finding } from "./contract.ts";
import { join } from "./pointer.ts";
import { record, text } from "./raw.ts";
import { at, originOf, type SourceTree } from "./source-tree.ts";

/**
 * The document as AsyncAPI 3.0 says it: `publish` is what the server receives, `subscribe` what it sends.
 * Places stay those of the old document: of the same component, or of the old channel.
 */
export async function fromVersion2(
  tree: SourceTree,
  version: string,
): Promise<{ tree: SourceTree | undefined; findings: Finding[] }> {
  const { convert } = await import("@asyncapi/converter");
  const notice = at(tree, "#/asyncapi", {
    severity: "info",
    id: "version-converted",
    expected: "AsyncAPI 3.0 or 3.1",
    actual: `asyncapi: ${version}`,
    fix: "nothing needs to be done: it was converted in memory. `publish` is read as what the server receives; --perspective client turns it round",
  });
  try {
    const converted = convert(structuredClone(tree.root) as { asyncapi: string }, "3.0.0") as unknown;
    return { tree: { file: tree.file, root: converted, origins: movedOrigins(tree, converted) }, findings: [notice] };
  } catch (error) {
    const finding = at(tree, "#/asyncapi", {
      severity: "error",
      blocking: true,
      id: "version-unconvertible",
      expected: "a document that @asyncapi/converter can bring to 3.0.0",
      actual: error instanceof Error ? error.message : String(error),
      fix: "fix what the message names, or convert the document by hand",
    });
    return { tree: undefined, findings: [finding] };
  }
}

function movedOrigins(old: SourceTree, converted: unknown): SourceTree["origins"] {
  const origins = new Map(old.origins);
  for (const id of Object.keys(record(record(converted).operations))) {
    for (const channel of Object.keys(record(record(old.root).channels))) {
      for (const verb of ["publish", "subscribe"]) {
        const from = join("#/channels", channel, verb);
        const operation = record(record(record(record(old.root).channels)[channel])[verb]);
        const isSame = id === `${channel}.${verb}` || (text(operation.operationId) ?? "") === id;
        if (isSame) origins.set(join("#/operations", id), originOf(old, from));
      }
    }
  }
  return origins;
}
