// What AsyncAPI demands beyond its JSON Schema, of a document as it was read: names that must exist or be unique.
import type { Finding } from "../contract.ts";
import { join } from "../pointer.ts";
import { isRecord, list, record, text } from "../raw.ts";
import { at, resolve, type SourceTree } from "../source-tree.ts";
import { choices, correction } from "./check.ts";

export function checkVersionRules(original: SourceTree): Finding[] {
  const isOlder = (text(record(original.root).asyncapi) ?? "").startsWith("2.");
  return [...channelServers(original, isOlder), ...(isOlder ? [...operationIds(original), ...serverVariables(original)] : [])];
}

const verbs = ["publish", "subscribe"];

/** The converter keeps one of two operations of the same id. */
function operationIds(tree: SourceTree): Finding[] {
  const seen = new Map<string, string>();
  return Object.keys(record(record(tree.root).channels)).flatMap((channel) =>
    verbs.flatMap((verb) => {
      const here = join("#/channels", channel, verb, "operationId");
      const id = text(resolve(tree, here)?.value);
      if (id === undefined) return [];
      const first = seen.get(id);
      seen.set(id, first ?? here);
      if (first === undefined) return [];
      const finding = { severity: "error", id: "operation-id-duplicate", expected: "an operationId of one operation" } as const;
      return [at(tree, here, { ...finding, actual: `${id}, as at ${first}`, fix: "give each operation its own operationId" })];
    }),
  );
}

function channelServers(tree: SourceTree, isOlder: boolean): Finding[] {
  const known = Object.keys(record(record(tree.root).servers));
  return Object.keys(record(record(tree.root).channels)).flatMap((channel) => {
    const here = join("#/channels", channel, "servers");
    return list(resolve(tree, here)?.value).flatMap((server, index) => {
      const name = isOlder ? text(server) : text(record(server).$ref);
      const isKnown = isOlder ? known.includes(name ?? "") : name?.includes("#/servers/") === true;
      if (name === undefined || isKnown) return [];
      const expected = isOlder ? `a name of the servers: ${choices(known)}` : "a reference to #/servers/NAME";
      const otherwise = isOlder ? "declare the server under servers, or name another" : "refer to a server of the document";
      return [
        at(tree, join(here, index), {
          ...{ severity: "error", id: "server-unknown", expected, actual: name },
          fix: correction(name, isOlder ? known : [], otherwise),
        }),
      ];
    });
  });
}

function serverVariables(tree: SourceTree): Finding[] {
  return Object.keys(record(record(tree.root).servers)).flatMap((name) => {
    const here = join("#/servers", name);
    const server = record(resolve(tree, here)?.value);
    if (!isRecord(server.variables)) return [];
    const used = [...(text(server.url) ?? "").matchAll(/\{([^{}]+)\}/g)].map((match) => match[1]!);
    const declared = Object.keys(server.variables);
    const finding = (pointer: string, actual: string, fix: string) =>
      at(tree, pointer, {
        ...{ severity: "error", id: "server-variable-unknown", expected: "each {variable} of the url declared, and no other" },
        ...{ actual, fix },
      });
    if (used.length === 0) return [];
    return [
      ...used
        .filter((each) => !declared.includes(each))
        .map((each) =>
          finding(join(here, "url"), `{${each}}, not declared`, correction(each, declared, `add ${each} to variables`)),
        ),
      ...declared
        .filter((each) => !used.includes(each))
        .map((each) =>
          finding(join(here, "variables", each), `${each}, not in the url`, correction(each, used, "remove the variable")),
        ),
    ];
  });
}
