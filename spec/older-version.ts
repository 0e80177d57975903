// AsyncAPI 2.x, by the official converter, which is loaded only for such a document.
import type { Finding } from "./contract.ts";
import { join } from "./pointer.ts";
import { isRecord, record, text } from "./raw.ts";
import { at, originOf, resolve, type SourceTree } from "./source-tree.ts";

/**
 * The document as AsyncAPI 3.0 says it: `publish` is what the server receives, `subscribe` what it sends.
 * Origins stay those of the old document: of the same component, or of the old channel.
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
    fix: "No action needed: converted in memory. `publish` is read as what the server receives; --perspective client reverses it.",
  });
  const root = structuredClone(tree.root) as Record<string, unknown>;
  const findings = [notice, ...repairServers(tree, root), ...removeUnknownSecurity(tree, root)];
  inlineChannels(tree, root);
  const schemas = takeParameterSchemas(root);
  try {
    const converted = convert(root as { asyncapi: string }, "3.0.0") as unknown;
    giveParameterSchemas(converted, schemas);
    return { tree: { ...tree, root: converted, origins: movedOrigins(tree, converted), traitsWin: true }, findings };
  } catch (error) {
    const finding = at(tree, "#/asyncapi", {
      severity: "error",
      blocking: true,
      id: "version-unconvertible",
      expected: "a document that @asyncapi/converter can convert to 3.0.0",
      actual: error instanceof Error ? error.message : String(error),
      fix: "correct the other findings of `wsproof lint`, or convert the document by hand",
    });
    return { tree: undefined, findings: [...findings, finding] };
  }
}

/** The converter passes over a channel that is a reference: then it has neither address nor operations. */
function inlineChannels(tree: SourceTree, root: Record<string, unknown>): void {
  const channels = record(root.channels) as Record<string, unknown>;
  for (const [address, channel] of Object.entries(channels)) {
    if (typeof record(channel).$ref !== "string") continue;
    const target = resolve(tree, join("#/channels", address))?.value;
    if (isRecord(target)) channels[address] = structuredClone(target);
  }
}

/** A server of version 2 has a `url`. One that has the `host` of version 3 is read by it; one that has neither is left out. */
function repairServers(tree: SourceTree, root: Record<string, unknown>): Finding[] {
  return [["servers"], ["components", "servers"]].flatMap((path) => {
    const servers = path.reduce<unknown>((value, key) => record(value)[key], root);
    return Object.entries(record(servers)).flatMap(([name, server]) => {
      if (!isRecord(server) || typeof server.url === "string" || typeof server.$ref === "string") return [];
      const host = text(server.host);
      const finding = at(tree, join("#", ...path, name), {
        severity: "error",
        id: "server-url-missing",
        expected: `a url of the server ${name}: AsyncAPI 2 has no host`,
        actual: host === undefined ? "no url" : `host: ${host}`,
        fix:
          host === undefined
            ? "add url: HOST/PATH, such as localhost:9000/feed"
            : `write url: ${host}${text(server.pathname) ?? ""} instead of host`,
      });
      if (host === undefined) delete (servers as Record<string, unknown>)[name];
      else (server as Record<string, unknown>).url = `${host}${text(server.pathname) ?? ""}`;
      return [finding];
    });
  });
}

/** A security requirement that names no scheme of the document stops the converter. */
function removeUnknownSecurity(tree: SourceTree, root: Record<string, unknown>): Finding[] {
  const schemes = record(record(root.components).securitySchemes);
  const holders = [
    ...Object.keys(record(root.servers)).map((name) => ["servers", name]),
    ...Object.keys(record(root.channels)).flatMap((name) => ["publish", "subscribe"].map((verb) => ["channels", name, verb])),
  ];
  return holders.flatMap((path) => {
    const holder = path.reduce<unknown>((value, key) => record(value)[key], root) as Record<string, unknown> | null | undefined;
    if (!Array.isArray(holder?.security)) return [];
    const unknown = holder.security.flatMap((item) => Object.keys(record(item))).filter((name) => !Object.hasOwn(schemes, name));
    holder.security = holder.security.filter((item) => Object.keys(record(item)).every((name) => !unknown.includes(name)));
    return unknown.map((name) =>
      at(tree, join("#", ...path, "security"), {
        severity: "error",
        id: "security-unknown",
        expected: `one of components/securitySchemes: ${Object.keys(schemes).join(", ") || "there are none"}`,
        actual: name,
        fix: `add ${name} to components/securitySchemes, or correct the name`,
      }),
    );
  });
}

/** What version 3 can say of a parameter; the rest would be lost with a warning on the console. */
const kept = ["enum", "const", "default", "examples", "description"];

/** Takes type and bounds out of the parameters, by name: the converter drops them. */
function takeParameterSchemas(root: Record<string, unknown>): ReadonlyMap<string, unknown> {
  const schemas = new Map<string, unknown>();
  const take = (parameters: unknown) => {
    for (const [name, parameter] of Object.entries(record(parameters))) {
      if (!isRecord(parameter) || parameter.schema === undefined) continue;
      schemas.set(name, structuredClone(parameter.schema));
      const schema = record(parameter.schema);
      (parameter as Record<string, unknown>).schema = Object.fromEntries(
        kept.flatMap((key) => (Object.hasOwn(schema, key) ? [[key, schema[key]]] : [])),
      );
    }
  };
  for (const channels of [root.channels, record(root.components).channels]) {
    for (const channel of Object.values(record(channels))) take(record(channel).parameters);
  }
  take(record(root.components).parameters);
  return schemas;
}

/** Puts the schemas back: version 3 has no such key, so that only we read it. */
function giveParameterSchemas(converted: unknown, schemas: ReadonlyMap<string, unknown>): void {
  const root = record(converted);
  const give = (parameters: unknown) => {
    for (const [name, parameter] of Object.entries(record(parameters))) {
      if (!isRecord(parameter) || typeof parameter.$ref === "string" || !schemas.has(name)) continue;
      (parameter as Record<string, unknown>).schema = schemas.get(name);
    }
  };
  for (const channels of [root.channels, record(root.components).channels]) {
    for (const channel of Object.values(record(channels))) give(record(channel).parameters);
  }
  give(record(root.components).parameters);
}

function movedOrigins(old: SourceTree, converted: unknown): SourceTree["origins"] {
  const origins = new Map(old.origins);
  const channels = record(record(old.root).channels);
  for (const [id, channel] of Object.entries(record(record(converted).channels))) {
    const address = text(record(channel).address);
    if (address !== undefined && Object.hasOwn(channels, address)) {
      origins.set(join("#/channels", id), originOf(old, join("#/channels", address)));
    }
  }
  const operations = record(record(converted).operations);
  for (const [address, channel] of Object.entries(channels)) {
    for (const verb of ["publish", "subscribe"]) {
      const ids = [`${address}.${verb}`, text(record(record(channel)[verb]).operationId)];
      for (const id of ids) {
        if (id === undefined || !Object.hasOwn(operations, id)) continue;
        origins.set(join("#/operations", id), originOf(old, join("#/channels", address, verb)));
      }
    }
  }
  return origins;
}
