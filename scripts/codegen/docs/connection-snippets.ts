// Lines that connect to a channel, to copy into a browser, a program or a shell. Every text of the document is quoted for its language.
import type { Carrier, Channel, Contract, Operation } from "../../../spec/contract.ts";
import { connectUrl } from "./wording.ts";

export interface Snippet {
  readonly title: string;
  readonly language: "js" | "sh";
  readonly text: string;
}

type In<Kind extends Carrier["in"]> = Extract<Carrier, { in: Kind }>;

function carrier<Kind extends Carrier["in"]>({ handshake }: Channel, kind: Kind): In<Kind> | undefined {
  return handshake?.credentials?.carriers.find((each): each is In<Kind> => each.in === kind);
}

/** Text within double quotes of a POSIX shell; `$TOKEN` and the like come from `variable`, never from the document. */
const shell = (text: string) => text.replaceAll(/[\\"$`!]/g, "\\$&").replaceAll(/\s+/g, " ");
const js = (text: string) => JSON.stringify(text);

/** `{room}` of an address -> `$ROOM`. */
const withVariables = (url: string) =>
  url
    .split(/(\{[^{}]*\})/)
    .map((part) => (/^\{.*\}$/.test(part) ? `$${part.replaceAll(/\W/g, "").toUpperCase() || "VALUE"}` : shell(part)))
    .join("");

export function webSocketSnippets(contract: Contract, channel: Channel): Snippet[] {
  const url = connectUrl(contract, channel.address);
  return [browser(url, channel), node(url, channel), wscat(url, channel), curl(url, channel)];
}

function browser(url: string, channel: Channel): Snippet {
  const [pair, query] = [carrier(channel, "subprotocol"), carrier(channel, "query")];
  const protocols = (channel.handshake?.subprotocols ?? []).map(js);
  const lines = pair === undefined && query === undefined ? [] : ['const token = "...";'];
  let address = js(url);
  if (pair !== undefined) {
    if (pair.encoding === "base64url")
      lines.push('const base64url = (text) => btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");');
    protocols.push(`${js(pair.prefix)} + ${pair.encoding === "base64url" ? "base64url(token)" : "token"}`);
  } else if (query !== undefined) {
    address = `${js(`${url}?${query.name}=`)} + encodeURIComponent(token)`;
  } else if (carrier(channel, "header") !== undefined) {
    lines.push("// A browser cannot send the header that the credential needs: a cookie or a proxy has to.");
  }
  lines.push(
    `const socket = new WebSocket(${address}${protocols.length > 0 ? `, [${protocols.join(", ")}]` : ""});`,
    "socket.onmessage = ({ data }) => console.log(data);",
    "socket.onclose = ({ code, reason }) => console.log(code, reason);",
  );
  return { title: "Browser", language: "js", text: lines.join("\n") };
}

function node(url: string, channel: Channel): Snippet {
  const [header, pair, query] = [carrier(channel, "header"), carrier(channel, "subprotocol"), carrier(channel, "query")];
  const protocols = (channel.handshake?.subprotocols ?? []).map(js);
  let [address, options] = [js(url), ""];
  if (header !== undefined) options = `, {\n  headers: { ${js(header.name)}: ${js(header.prefix)} + process.env.TOKEN },\n}`;
  else if (pair !== undefined)
    protocols.push(
      `${js(pair.prefix)} + ${pair.encoding === "base64url" ? 'Buffer.from(process.env.TOKEN).toString("base64url")' : "process.env.TOKEN"}`,
    );
  else if (query !== undefined) address = `${js(`${url}?${query.name}=`)} + encodeURIComponent(process.env.TOKEN)`;
  const second = protocols.length > 0 || options !== "" ? `, [${protocols.join(", ")}]` : "";
  return {
    title: "Node",
    language: "js",
    text: [
      'import { WebSocket } from "ws";',
      "",
      `const socket = new WebSocket(${address}${second}${options});`,
      'socket.on("message", (data) => console.log(String(data)));',
      'socket.on("close", (code, reason) => console.log(code, String(reason)));',
    ].join("\n"),
  };
}

/** Arguments of both shell programs that carry the credential: a header, else the query. */
function credential(url: string, channel: Channel): { url: string; header: string | undefined } {
  const [header, query] = [carrier(channel, "header"), carrier(channel, "query")];
  if (header !== undefined) return { url: withVariables(url), header: `"${shell(`${header.name}: ${header.prefix}`)}$TOKEN"` };
  return {
    url: query === undefined ? withVariables(url) : `${withVariables(url)}?${shell(query.name)}=$TOKEN`,
    header: undefined,
  };
}

function wscat(at: string, channel: Channel): Snippet {
  const { url, header } = credential(at, channel);
  const parts = [
    `npx wscat -c "${url}"`,
    ...(channel.handshake?.subprotocols ?? []).map((name) => `-s "${shell(name)}"`),
    ...(header === undefined ? [] : [`-H ${header}`]),
  ];
  return { title: "wscat", language: "sh", text: parts.join(" \\\n  ") };
}

/** The handshake and the raw frames after it; curl 7.86 and later would also speak ws:// where it was built so. */
function curl(at: string, channel: Channel): Snippet {
  const { url, header } = credential(at.replace(/^ws/, "http"), channel);
  const subprotocols = (channel.handshake?.subprotocols ?? []).join(", ");
  const parts = [
    `curl -iN --http1.1 --max-time 5 --output - "${url}"`,
    '-H "Connection: Upgrade" -H "Upgrade: websocket"',
    '-H "Sec-WebSocket-Version: 13" -H "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="',
    ...(subprotocols === "" ? [] : [`-H "Sec-WebSocket-Protocol: ${shell(subprotocols)}"`]),
    ...(header === undefined ? [] : [`-H ${header}`]),
  ];
  return { title: "curl", language: "sh", text: parts.join(" \\\n  ") };
}

/** One line for an operation over HTTP, with the body of its first example. */
export function httpSnippet(contract: Contract, channel: Channel, operation: Operation): Snippet {
  const url = connectUrl(contract, channel.address, ["http", "https"]);
  const withCredential = contract.channels.find(({ handshake }) => handshake?.credentials !== undefined);
  const header = withCredential && carrier(withCredential, "header");
  const body = contract.messages.find(({ name }) => name === operation.messages[0])?.examples[0]?.payload;
  const parts = [
    `curl -i -X ${shell(operation.httpMethod ?? "POST")} "${withVariables(url)}"`,
    ...(header === undefined ? [] : [`-H "${shell(`${header.name}: ${header.prefix}`)}$TOKEN"`]),
    ...(body === undefined ? [] : [`-H "Content-Type: application/json"`, `-d "${shell(JSON.stringify(body))}"`]),
  ];
  return { title: "curl", language: "sh", text: parts.join(" \\\n  ") };
}
