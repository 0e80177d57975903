// Servers of a document and what stands in braces: variables of a server, parameters of an address.
import type { Parameter, Server } from "./contract.ts";
import { join } from "./pointer.ts";
import { isRecord, list, type RawRecord, record, text } from "./raw.ts";
import { resolve, type SourceTree } from "./source-tree.ts";

/** Values for variables and parameters, by name, which beat those of the document. */
export type GivenValues = Readonly<Record<string, string>>;

/** @param only the name of the one server that counts; all of them where it is undefined */
export function normaliseServers(tree: SourceTree, given: GivenValues, only?: string): Server[] {
  return Object.keys(record(record(tree.root).servers)).flatMap((name) => {
    const server = resolve(tree, join("#/servers", name));
    if (!isRecord(server?.value) || (only !== undefined && name !== only)) return [];
    const value = server.value;
    const protocol = text(value.protocol) ?? "";
    // Many documents have a scheme or a path in the host.
    const [host = "", ...path] = (text(value.host) ?? "").replace(/^[a-z][a-z+.-]*:\/\//i, "").split(/(?=\/)/);
    const pathname = path.join("").replace(/\/$/, "") + withSlash(text(value.pathname) ?? "");
    const variables = parametersAt(tree, join(server.pointer, "variables"), given);
    const isSecure = /^(wss|https|secure-websocket)$/i.test(protocol);
    const filled = fill(`${host}${pathname}`, variables).replace(/\/$/, "");
    return [
      {
        name,
        protocol,
        host,
        pathname,
        description: text(value.description) ?? "",
        variables,
        url: `${isWebSocket(protocol) || /^https?$/i.test(protocol) ? (isSecure ? "wss" : "ws") : protocol}://${filled}`,
      },
    ];
  });
}

export function isWebSocket(protocol: string): boolean {
  return /^(wss?|(secure-)?websockets?)$/i.test(protocol);
}

/** A map of server variables or channel parameters. */
export function parametersAt(tree: SourceTree, pointer: string, given: GivenValues): Parameter[] {
  return Object.keys(record(resolve(tree, pointer)?.value)).map((name) => {
    const raw = record(resolve(tree, join(pointer, name))?.value);
    const schema = resolve(tree, join(pointer, name, "schema"))?.value;
    return parameterOf(name, raw, isRecord(schema) ? schema : undefined, given);
  });
}

function parameterOf(name: string, raw: RawRecord, schema: RawRecord | undefined, given: GivenValues): Parameter {
  // AsyncAPI 2 says them in a schema, and not always as texts.
  const says = (key: string) => [raw[key], schema?.[key]].find((value) => value !== undefined);
  const texts = (key: string) => list(says(key)).map(String);
  const fixed = schema?.const === undefined ? [] : [String(schema.const)];
  const values = [...fixed, ...texts("enum")];
  const standard = says("default");
  return {
    name,
    description: text(raw.description) ?? text(schema?.description) ?? "",
    values,
    value: given[name] ?? (standard === undefined ? undefined : String(standard)) ?? values[0] ?? texts("examples")[0],
    schema,
  };
}

/** The text with every `{name}` replaced by its value; what has none stays. */
export function fill(template: string, parameters: readonly Parameter[]): string {
  return template.replaceAll(/\{([^{}]*)\}/g, (braces, name: string) => {
    const value = parameters.find((parameter) => parameter.name === name)?.value;
    return value ?? braces;
  });
}

/** A path begins with a slash, or is empty. */
export function withSlash(path: string): string {
  return path === "" || path.startsWith("/") ? path : `/${path}`;
}
