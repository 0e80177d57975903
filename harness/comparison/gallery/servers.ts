// The servers of the gallery: real ones, each with the document that it is tested against and the command that starts it.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** From source and from dist/ alike. */
export const root = fileURLToPath(new URL(import.meta.url.includes("/dist/") ? "../../../../" : "../../../", import.meta.url));
export const examples = `${root}spec/examples/`;

export interface GalleryServer {
  readonly id: string;
  /** Folder of its document below spec/examples. */
  readonly example: string;
  /** What runs, with versions. */
  describe(tools: Tools): string;
  /** Debian packages that it needs. */
  readonly packages: readonly string[];
  /** Program and arguments; the folder of the example is the working directory. */
  command(port: number): readonly [string, ...string[]];
  /** Path of the URL, or how to ask for it once the server listens. */
  readonly path: string | ((port: number) => Promise<string>);
  /** Rules that are not tried on it, by id, and why. */
  readonly leftOut?: Readonly<Record<string, string>>;
  /** Whether CI runs it: it needs nothing but Node and the packages that the tests install anyway. */
  readonly inCi: boolean;
}

/** How the versions of what is installed are found out. */
export interface Tools {
  npm(name: string): string;
  debian(name: string): string;
}

/** Version of a package of node_modules. */
export function npmVersion(name: string): string {
  return JSON.parse(readFileSync(`${root}node_modules/${name}/package.json`, "utf8")).version;
}

const python = "/usr/bin/python3";

export const galleryServers: readonly GalleryServer[] = [
  {
    id: "echo-ws",
    example: "echo",
    describe: ({ npm }) => `twenty lines on ws ${npm("ws")}`,
    packages: [],
    command: (port) => [process.execPath, "server.mjs", String(port)],
    path: "/",
    inCi: true,
  },
  {
    id: "chat-ws",
    example: "chat",
    describe: ({ npm }) => `Node, ws ${npm("ws")}`,
    packages: [],
    command: (port) => [process.execPath, "server.mjs", String(port)],
    path: "/chat",
    inCi: true,
  },
  {
    id: "chat-websockets",
    example: "chat",
    describe: ({ debian }) => `Python, python3-websockets ${debian("python3-websockets")}`,
    packages: ["python3-websockets"],
    command: (port) => [python, "server_websockets.py", String(port)],
    path: "/chat",
    inCi: true,
  },
  {
    id: "chat-aiohttp",
    example: "chat",
    describe: ({ debian }) => `Python, python3-aiohttp ${debian("python3-aiohttp")}`,
    packages: ["python3-aiohttp"],
    command: (port) => [python, "server_aiohttp.py", String(port)],
    path: "/chat",
    inCi: true,
  },
  {
    id: "chat-gorilla",
    example: "chat",
    describe: ({ debian }) => `Go, golang-github-gorilla-websocket-dev ${debian("golang-github-gorilla-websocket-dev")}`,
    packages: ["golang-go", "golang-github-gorilla-websocket-dev"],
    // The shell waits for the build, then becomes the server: one process to end.
    command: (port) => [
      "/bin/sh",
      "-c",
      'out=$(mktemp -d) && GO111MODULE=off GOPATH=/usr/share/gocode GOFLAGS=-mod=mod go build -o "$out/chat" server.go && exec "$out/chat" "$0"',
      String(port),
    ],
    path: "/chat",
    inCi: false,
  },
  {
    id: "graphql-ws",
    example: "graphql-transport-ws",
    describe: ({ npm }) => `graphql-ws ${npm("graphql-ws")} on ws ${npm("ws")}`,
    packages: [],
    command: (port) => [process.execPath, "server.mjs", String(port)],
    path: "/graphql",
    inCi: true,
  },
  {
    id: "ocpp-rpc",
    example: "ocpp",
    describe: ({ npm }) => `ocpp-rpc ${npm("ocpp-rpc")} on ws ${npm("ws")}`,
    packages: [],
    command: (port) => [process.execPath, "server.mjs", String(port)],
    path: "/CP-1",
    inCi: true,
  },
  {
    id: "aria2",
    example: "json-rpc",
    describe: ({ debian }) => `aria2 ${debian("aria2")}`,
    packages: ["aria2"],
    command: (port) => ["aria2c", "--enable-rpc", `--rpc-listen-port=${port}`, "--no-conf", "--quiet", "--dir=/tmp"],
    path: "/jsonrpc",
    inCi: false,
  },
  {
    id: "node-inspect",
    example: "devtools",
    describe: () => `the inspector of Node ${process.versions.node}`,
    packages: [],
    command: (port) => [process.execPath, `--inspect=127.0.0.1:${port}`, "-e", "setInterval(() => {}, 1000)"],
    path: async (port) => {
      const targets = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as { webSocketDebuggerUrl: string }[];
      return new URL(targets[0]!.webSocketDebuggerUrl).pathname;
    },
    leftOut: { "frames-byte-by-byte": "the inspector is not built to read a frame in single bytes" },
    inCi: false,
  },
];
