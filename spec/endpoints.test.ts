// Which URLs a document has, which endpoint a URL means, and what a handshake there must carry.
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { endpointFor, endpointsOf, pathOf, urlsOf } from "./endpoints.ts";
import { type NormaliseOptions, normalise } from "./normalise.ts";
import { parseTree } from "./source-tree.ts";

interface Parts {
  readonly servers?: object;
  readonly channels: Record<string, object>;
  readonly components?: object;
  readonly operations?: object;
}

/** A contract of these channels; each sends one message that has its name as tag. */
function contractOf({ channels, ...rest }: Parts, options: NormaliseOptions = {}) {
  const names = Object.keys(channels);
  const withMessages = Object.entries(channels).map(([name, channel]) => {
    const payload = { type: "object", required: ["type"], properties: { type: { const: name } } };
    return [name, { messages: { [`${name}Message`]: { payload } }, ...channel }];
  });
  const operations = names.map((name) => [`tell${name}`, { action: "send", channel: { $ref: `#/channels/${name}` } }]);
  const document = {
    asyncapi: "3.0.0",
    info: { title: "t", version: "1" },
    channels: Object.fromEntries(withMessages),
    operations: Object.fromEntries(operations),
    ...rest,
  };
  return normalise(parseTree("t.yaml", stringify(document)).tree!, options);
}

const local = { local: { host: "localhost:9000", pathname: "/v1", protocol: "ws" } };

describe("an endpoint", () => {
  it("is every channel of one address, merged, with tags among all of them", () => {
    const contract = contractOf({ channels: { a: { address: "/feed" }, b: { address: "/feed" }, c: { address: "/other" } } });
    expect(endpointsOf(contract).map(({ path, channels }) => [path, channels])).toEqual([
      ["/feed", ["a", "b"]],
      ["/other", ["c"]],
    ]);
    const { channel, contract: merged } = endpointFor(contract, "ws://h/feed")!;
    expect(channel.messages).toEqual(["aMessage", "bMessage"]);
    expect(merged.operations.map((operation) => operation.channel)).toEqual(["a", "a", "c"]);
    expect(merged.messages.map(({ tag }) => tag?.value)).toEqual(["a", "b", "c"]);
  });

  it("is every channel of one x-endpoint, whatever the addresses say", () => {
    const channels = { a: { address: "trades", "x-endpoint": "/socket" }, b: { address: "books", "x-endpoint": "/socket" } };
    const contract = contractOf({ servers: local, channels });
    expect(endpointsOf(contract)).toEqual([
      { path: "/v1/socket", urls: ["ws://localhost:9000/v1/socket"], channels: ["a", "b"] },
    ]);
  });

  it("has the path that stands in a server's host, and not its scheme twice", () => {
    const servers = { s: { host: "wss://h:29/socket/", protocol: "wss" }, t: { host: "h/a", pathname: "b", protocol: "ws" } };
    const contract = contractOf({ servers, channels: { a: { address: "/" }, b: { address: "/b" } } });
    const urls = contract.channels.map((channel) => urlsOf(contract, channel));
    expect(urls).toEqual([
      ["wss://h:29/socket", "ws://h/a/b"],
      ["wss://h:29/socket/b", "ws://h/a/b/b"],
    ]);
    expect(endpointFor(contract, urls[1]![0])?.channel.id).toBe("b");
  });

  it("is the address alone where that has the server's pathname in it again", () => {
    const channels = { a: { address: "/v1" }, b: { address: "v1/b?k=1" }, c: { address: "/v1x" } };
    const contract = contractOf({ servers: local, channels });
    expect(contract.channels.flatMap((channel) => urlsOf(contract, channel))).toEqual(
      ["/v1", "/v1/b?k=1", "/v1/v1x"].map((path) => `ws://localhost:9000${path}`),
    );
    expect(endpointsOf(contract).map(({ path }) => path)).toEqual(["/v1", "/v1/b", "/v1/v1x"]);
    expect(endpointFor(contract, "ws://h/v1/v1/b")?.channel.id).toBe("b");
    const version = { default: "v2" };
    const servers = { s: { host: "h", pathname: "/{version}/", protocol: "wss", variables: { version } } };
    const other = contractOf({ servers, channels: { d: { address: "/{version}/d", parameters: { version } } } });
    expect(urlsOf(other, other.channels[0]!)).toEqual(["wss://h/v2/d"]);
  });

  it("stands below the server's pathname, and may be reached without it behind a proxy", () => {
    const contract = contractOf({ servers: local, channels: { a: { address: "/a" }, b: { address: "b" } } });
    const id = (url: string) => endpointFor(contract, url)?.channel.id;
    expect([id("ws://h/v1/a"), id("ws://h/v1/b"), id("ws://h/b"), id("ws://h/v2/a")]).toEqual(["a", "b", "b", undefined]);
  });

  it("is whatever URL is given where the document has but one", () => {
    const contract = contractOf({ servers: local, channels: { a: { address: "/a" } } });
    expect(endpointFor(contract, "ws://h/elsewhere")?.channel.id).toBe("a");
    expect(endpointFor(contract, undefined)?.channel.id).toBe("a");
  });

  it("needs a URL where there are several", () => {
    expect(endpointFor(contractOf({ channels: { a: { address: "/a" }, b: { address: "/b" } } }), undefined)).toBeUndefined();
  });

  it("is all topics at the server's own URL where addresses are names without a slash", () => {
    const contract = contractOf({ servers: local, channels: { a: { address: "trades" }, b: { address: "books" } } });
    expect(endpointFor(contract, "ws://h/v1")?.channel.messages).toEqual(["aMessage", "bMessage"]);
    const paths = contractOf({ servers: local, channels: { a: { address: "/trades" }, b: { address: "/books" } } });
    expect(endpointFor(paths, "ws://h/v1")).toBeUndefined();
  });

  it("is the address without parameters where that fits too", () => {
    const contract = contractOf({ channels: { one: { address: "/feed/{name}" }, all: { address: "/feed/all" } } });
    expect(endpointFor(contract, "ws://h/feed/all")?.channel.id).toBe("all");
    expect(endpointFor(contract, "ws://h/feed/some")?.channel.id).toBe("one");
    expect(endpointFor(contract, "ws://h/feed/some/more")).toBeUndefined();
  });
});

describe("a URL", () => {
  const servers = {
    main: {
      host: "{region}.example:{port}",
      pathname: "/{version}/",
      protocol: "wss",
      variables: { region: { enum: ["eu", "us"] }, port: { default: "8443" }, version: { examples: ["v2"] } },
    },
    broker: { host: "kafka:9092", protocol: "kafka" },
  };
  const channels = { a: { address: "feed/{room}?v={v}&x=1", parameters: { room: { default: "lobby" }, v: { enum: ["7"] } } } };

  it("has default, first value or first example for each variable and parameter, and none of other protocols", () => {
    const contract = contractOf({ servers, channels });
    expect(urlsOf(contract, contract.channels[0]!)).toEqual(["wss://eu.example:8443/v2/feed/lobby?v=7&x=1"]);
    expect(pathOf(contract, contract.channels[0]!)).toBe("/v2/feed/lobby?v=7&x=1");
  });

  it("has the values that were given, and a server that was chosen", () => {
    const more = { ...servers, test: { host: "localhost:1", protocol: "ws" } };
    const given = contractOf({ servers: more, channels }, { variables: { region: "us", room: "hall" } });
    expect(urlsOf(given, given.channels[0]!)[0]).toBe("wss://us.example:8443/v2/feed/hall?v=7&x=1");
    const chosen = contractOf({ servers: more, channels }, { server: "test" });
    expect(urlsOf(chosen, chosen.channels[0]!)).toEqual(["ws://localhost:1/feed/lobby?v=7&x=1"]);
  });

  it("is a path where an address holds the whole URL", () => {
    const contract = contractOf({ channels: { a: { address: "wss://h.example/stream" } } });
    expect(contract.channels[0]!.address).toBe("/stream");
  });
});

describe("the kind of a channel", () => {
  const kind = (protocol: string | undefined, channel: object = {}) =>
    contractOf({ servers: protocol === undefined ? {} : { s: { host: "h", protocol } }, channels: { a: channel } }).channels[0]!
      .kind;

  it("is WebSocket by protocol, by binding, or where nothing is said", () => {
    expect(["ws", "WSS", "websocket", undefined].map((protocol) => kind(protocol))).toEqual(Array(4).fill("websocket"));
    expect(["https", "kafka"].map((protocol) => kind(protocol, { bindings: { ws: {} } }))).toEqual(["websocket", "websocket"]);
  });

  it("is not WebSocket over plain http or a broker", () => {
    expect(["http", "https", "mqtt"].map((protocol) => kind(protocol))).toEqual(["http", "http", "other"]);
  });
});

describe("a handshake", () => {
  it("has the fields of the ws binding, through references, with a value where one is surely right", () => {
    const query = { allOf: [{ $ref: "#/components/schemas/Q" }], required: ["v"], properties: { v: { const: 2 } } };
    const headers = {
      properties: { "X-Key": { type: "string", examples: ["k"] }, "X-Own": { type: "string" } },
      required: ["X-Own"],
    };
    const components = {
      schemas: { Q: { required: ["room"], properties: { room: { enum: ["a", "b"] }, note: { type: "string" } } } },
    };
    const contract = contractOf({ channels: { a: { bindings: { ws: { query, headers } } } }, components });
    const fields = (all: readonly { name: string; required: boolean; value: string | undefined }[]) =>
      all.map(({ name, required, value }) => [name, required, value]);
    expect(fields(contract.channels[0]!.handshake!.query)).toEqual([
      ["v", true, "2"],
      ["room", true, "a"],
      ["note", false, undefined],
    ]);
    expect(fields(contract.channels[0]!.handshake!.headers)).toEqual([
      ["X-Key", false, "k"],
      ["X-Own", true, undefined],
    ]);
  });

  it.each<[object, object | undefined]>([
    [
      { type: "http", scheme: "bearer" },
      { in: "header", name: "Authorization", prefix: "Bearer " },
    ],
    [
      { type: "http", scheme: "basic" },
      { in: "header", name: "Authorization", prefix: "Basic " },
    ],
    [{ type: "userPassword" }, { in: "header", name: "Authorization", prefix: "Basic " }],
    [
      { type: "oauth2", flows: {} },
      { in: "header", name: "Authorization", prefix: "Bearer " },
    ],
    [{ type: "openIdConnect" }, { in: "header", name: "Authorization", prefix: "Bearer " }],
    [
      { type: "httpApiKey", in: "query", name: "key" },
      { in: "query", name: "key" },
    ],
    [
      { type: "httpApiKey", in: "header", name: "X-Key" },
      { in: "header", name: "X-Key", prefix: "" },
    ],
    [
      { type: "httpApiKey", in: "cookie", name: "sid" },
      { in: "header", name: "Cookie", prefix: "sid=" },
    ],
    [{ type: "X509" }, undefined],
  ])("carries the credential of %o", (scheme, carrier) => {
    const servers = { s: { host: "h", protocol: "ws", security: [{ $ref: "#/components/securitySchemes/it" }] } };
    const contract = contractOf({ servers, channels: { a: {} }, components: { securitySchemes: { it: scheme } } });
    const { credentials } = contract.channels[0]!.handshake ?? {};
    expect(credentials).toEqual(
      carrier === undefined ? undefined : { scheme: "opaque", algorithms: [], claims: [], carriers: [carrier] },
    );
  });
});
