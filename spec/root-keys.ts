// The root of a document: whether it is AsyncAPI at all, and keys with a slip in their name.
import type { Finding } from "./contract.ts";
import { nearest } from "./nearest.ts";
import { join } from "./pointer.ts";
import { isRecord, record, text } from "./raw.ts";
import { at, type SourceTree } from "./source-tree.ts";

const known = [
  "asyncapi",
  "id",
  "info",
  "servers",
  "defaultContentType",
  "channels",
  "operations",
  "components",
  "tags",
  "externalDocs",
];

/** What else is written in YAML or JSON and given by mistake: a key of its root, and what it is. */
const others: readonly (readonly [string, string])[] = [
  ["openapi", "an OpenAPI document, which describes HTTP"],
  ["swagger", "a Swagger document, which describes HTTP"],
  ["$schema", "a JSON Schema"],
  ["arazzo", "an Arazzo document"],
  ["overlay", "an overlay of OpenAPI"],
  ["paths", "a part of an OpenAPI document"],
  ["services", "a Compose file"],
];

/** The version, such as `3.0.0`; undefined where the document names none. */
export function asyncapiVersion(tree: SourceTree): string | undefined {
  const version = record(tree.root).asyncapi;
  return typeof version === "number" ? String(version) : text(version);
}

export function checkVersion(tree: SourceTree, version: string | undefined): { tree: SourceTree; findings: Finding[] } {
  if (version !== undefined && /^[23]\./.test(version)) return { tree, findings: otherVersion(tree, version) };
  const other = others.find(([key]) => Object.hasOwn(record(tree.root), key));
  const slip = Object.keys(record(tree.root)).find((key) => nearest(key, ["asyncapi"]) !== undefined);
  const place = version !== undefined ? "#/asyncapi" : other !== undefined ? join("#", other[0]) : "#";
  const finding = at(tree, place, {
    severity: "error",
    blocking: true,
    id: "not-asyncapi",
    expected: "an AsyncAPI document of version 2 or 3, which says so at its root: `asyncapi: 3.0.0`",
    actual:
      version !== undefined
        ? `asyncapi: ${version}`
        : !isRecord(tree.root)
          ? "no object"
          : other !== undefined
            ? `${other[0]}: this is ${other[1]}`
            : slip === undefined
              ? "no key `asyncapi`"
              : slip,
    fix:
      version !== undefined
        ? "write a version that exists, such as `asyncapi: 3.0.0`"
        : other === undefined
          ? slip === undefined
            ? "add `asyncapi: 3.0.0`, or give another file"
            : "did you mean asyncapi?"
          : "give the AsyncAPI document of the WebSocket API",
  });
  return { tree, findings: [finding] };
}

/** A document whose servers and channels are all written as in the other version: one sentence instead of one for each of them. */
function otherVersion(tree: SourceTree, version: string): Finding[] {
  const root = record(tree.root);
  const keys = (group: string) => Object.values(record(root[group])).flatMap((value) => Object.keys(record(value)));
  const [ofServers, ofChannels] = [keys("servers"), keys("channels")];
  const older = [...ofServers.filter((key) => key === "url"), ...ofChannels.filter((key) => /^(publish|subscribe)$/.test(key))];
  const newer = [...ofServers.filter((key) => key === "host"), ...ofChannels.filter((key) => /^(address|messages)$/.test(key))];
  if (isRecord(root.operations)) newer.push("operations");
  const isOlder = version.startsWith("2.");
  const [own, other] = isOlder ? [older, newer] : [newer, older];
  // A server alone may as well have a slip.
  if (own.length > 0 || other.every((key) => /^(url|host)$/.test(key))) return [];
  return [
    at(tree, "#/asyncapi", {
      severity: "error",
      blocking: true,
      id: "version-mismatch",
      expected: `servers and channels as version ${version[0]} has them`,
      actual: `${[...new Set(other)].join(", ")}, which are of version ${isOlder ? 3 : 2}`,
      fix: `write asyncapi: ${isOlder ? "3.0.0" : "2.6.0"}, or convert the document`,
    }),
  ];
}

/** A key that is surely a slip is read as what it means, so that one finding does not bring many. */
export function correctKeys(tree: SourceTree): { tree: SourceTree; findings: Finding[] } {
  const root = record(tree.root);
  const findings: Finding[] = [];
  const origins = new Map(tree.origins);
  const entries = Object.entries(root).map(([key, value]): [string, unknown] => {
    if (known.includes(key) || key.startsWith("x-")) return [key, value];
    const missing = known.filter((name) => !Object.hasOwn(root, name));
    const meant = nearest(key, missing);
    const finding = at(tree, join("#", key), {
      severity: "error",
      id: "key-unknown",
      expected: `at the root, one of ${known.join(", ")}, or a key that begins with x-`,
      actual: key,
      fix: meant === undefined ? `remove ${key}, or begin it with x-` : `did you mean ${meant}?`,
    });
    findings.push(finding);
    if (meant === undefined) return [key, value];
    for (const [pointer, origin] of tree.origins) {
      if (pointer === join("#", key) || pointer.startsWith(`${join("#", key)}/`)) {
        origins.set(join("#", meant) + pointer.slice(join("#", key).length), origin);
      }
    }
    return [meant, value];
  });
  return { tree: findings.length === 0 ? tree : { ...tree, root: Object.fromEntries(entries), origins }, findings };
}
