// Lines that connect to a channel, to copy into a browser, a program or a shell. Every text of the document is quoted for its language.
import type { Channel, Contract, Operation } from "../../../spec/contract.ts";
import { type Connection, carrierOf, connectionOf, type Piece, piecesOf, urlOf } from "./connection-url.ts";

export interface Snippet {
  readonly title: string;
  readonly language: "js" | "sh";
  readonly text: string;
}

/** Text within double quotes of a POSIX shell; `$TOKEN` and the like come from `environment`, never from the document. */
const shell = (text: string) => text.replaceAll(/[\\"$`!]/g, "\\$&").replaceAll(/\s+/g, " ");
const js = (text: string) => JSON.stringify(text);

/** `camera-id` -> `CAMERA_ID` */
const environment = (name: string) =>
  name
    .replaceAll(/\W+/g, "_")
    .replace(/^(?=\d|$)/, "VALUE_")
    .toUpperCase();
/** `X-Key` -> `xKey` */
const variable = (name: string) => {
  const camel = name.replaceAll(/\W+(\w?)/g, (_, letter: string) => letter.toUpperCase());
  const start = `${camel[0]?.toLowerCase() ?? ""}${camel.slice(1)}`;
  return /^[a-z]/.test(start) && !reserved.has(start) ? start : `value${camel}`;
};
const reserved = new Set(
  "socket new in of for if do var let this case else enum null true try void with class const super while yield delete import export default function return switch typeof".split(
    " ",
  ),
);

const inShell = (pieces: readonly Piece[]) =>
  `"${pieces.map((piece) => (typeof piece === "string" ? shell(piece) : `$${environment(piece.value)}`)).join("")}"`;
const inJs = (pieces: readonly Piece[], value: (name: string) => string) =>
  pieces.map((piece) => (typeof piece === "string" ? js(piece) : value(piece.value))).join(" + ") || '""';
const needed = (pieces: readonly Piece[]) => pieces.flatMap((piece) => (typeof piece === "string" ? [] : [piece.value]));

export function webSocketSnippets(contract: Contract, channel: Channel): Snippet[] {
  const program = connectionOf(contract, channel, ["header", "subprotocol", "query"]);
  return [
    browser(connectionOf(contract, channel, ["subprotocol", "query"]), channel),
    node(program),
    wscat(connectionOf(contract, channel, ["header", "query"])),
    curl(connectionOf(contract, channel, ["header", "query"])),
  ];
}

function browser({ url, subprotocols, pair, headers }: Connection, channel: Channel): Snippet {
  const names = [...new Set([...needed(url), ...(pair === undefined ? [] : ["token"])])];
  const lines = names.map((name) => `const ${variable(name)} = "...";`);
  const protocols = subprotocols.map(js);
  if (pair !== undefined) {
    if (pair.encoding === "base64url")
      lines.push('const base64url = (text) => btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");');
    protocols.push(`${js(pair.prefix)} + ${pair.encoding === "base64url" ? "base64url(token)" : "token"}`);
  }
  const header = pair === undefined && !names.includes("token") ? carrierOf(channel, "header") : undefined;
  const unsendable = [...(header === undefined ? [] : [header.name]), ...headers.map(({ name }) => name)];
  if (unsendable.length > 0) {
    const list = unsendable.map((name) => name.replaceAll(/\s+/g, " ")).join(" and ");
    lines.push(`// Required, but a browser cannot set it: the header ${list}. Use a cookie or a proxy.`);
  }
  const address = inJs(url, (name) => `encodeURIComponent(${variable(name)})`);
  lines.push(
    `const socket = new WebSocket(${address}${protocols.length > 0 ? `, [${protocols.join(", ")}]` : ""});`,
    "socket.onmessage = ({ data }) => console.log(data);",
    "socket.onclose = ({ code, reason }) => console.log(code, reason);",
  );
  return { title: "Browser", language: "js", text: lines.join("\n") };
}

function node({ url, subprotocols, pair, headers }: Connection): Snippet {
  const value = (name: string) => `process.env.${environment(name)}`;
  const protocols = subprotocols.map(js);
  if (pair !== undefined) {
    const token = pair.encoding === "base64url" ? 'Buffer.from(process.env.TOKEN).toString("base64url")' : "process.env.TOKEN";
    protocols.push(`${js(pair.prefix)} + ${token}`);
  }
  const fields = headers.map((header) => `${js(header.name)}: ${inJs(header.value, value)}`).join(", ");
  const options = fields === "" ? "" : `, {\n  headers: { ${fields} },\n}`;
  const second = protocols.length > 0 || options !== "" ? `, [${protocols.join(", ")}]` : "";
  const address = inJs(url, (name) => `encodeURIComponent(${value(name)})`);
  const lines = [
    'import { WebSocket } from "ws";',
    "",
    `const socket = new WebSocket(${address}${second}${options});`,
    'socket.on("message", (data) => console.log(String(data)));',
    'socket.on("close", (code, reason) => console.log(code, String(reason)));',
  ];
  return { title: "Node", language: "js", text: lines.join("\n") };
}

const headerOptions = ({ headers }: Connection) => headers.map(({ name, value }) => `-H ${inShell([`${name}: `, ...value])}`);

function wscat(connection: Connection): Snippet {
  const parts = [
    `npx wscat -c ${inShell(connection.url)}`,
    ...connection.subprotocols.map((name) => `-s "${shell(name)}"`),
    ...headerOptions(connection),
  ];
  return { title: "wscat", language: "sh", text: parts.join(" \\\n  ") };
}

/** The handshake and the raw frames after it; curl 7.86 and later would also speak ws:// where it was built so. */
function curl(connection: Connection): Snippet {
  const [first, ...rest] = connection.url;
  const url = typeof first === "string" ? [first.replace(/^ws/, "http"), ...rest] : connection.url;
  const subprotocols = connection.subprotocols.join(", ");
  const parts = [
    `curl -iN --http1.1 --max-time 5 --output - ${inShell(url)}`,
    '-H "Connection: Upgrade" -H "Upgrade: websocket"',
    '-H "Sec-WebSocket-Version: 13" -H "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="',
    ...(subprotocols === "" ? [] : [`-H "Sec-WebSocket-Protocol: ${shell(subprotocols)}"`]),
    ...headerOptions(connection),
  ];
  return { title: "curl", language: "sh", text: parts.join(" \\\n  ") };
}

/** One line for an operation over HTTP, with the body of its first example. */
export function httpSnippet(contract: Contract, channel: Channel, operation: Operation): Snippet {
  const url = urlOf(contract, channel, "http").replace(/^ws/, "http");
  const withCredential = contract.channels.find(({ handshake }) => handshake?.credentials !== undefined);
  const header = withCredential && carrierOf(withCredential, "header");
  const body = contract.messages.find(({ name }) => name === operation.messages[0])?.examples[0]?.payload;
  const parts = [
    `curl -i -X ${shell(operation.httpMethod ?? "POST")} ${inShell(piecesOf(url))}`,
    ...(header === undefined ? [] : [`-H ${inShell([`${header.name}: ${header.prefix}`, { value: "token" }])}`]),
    ...(body === undefined ? [] : [`-H "Content-Type: application/json"`, `-d "${shell(JSON.stringify(body))}"`]),
  ];
  return { title: "curl", language: "sh", text: parts.join(" \\\n  ") };
}
