// The HTTP side of opening a WebSocket (RFC 6455 section 4): the request as text, the response as it was sent. Pure.
import { createHash } from "node:crypto";

export interface UpgradeRequest {
  readonly method: string;
  /** With query. */
  readonly path: string;
  /** Such as `HTTP/1.1`. */
  readonly httpVersion: string;
  /** In the order in which they are written; a name may come twice. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

export interface UpgradeResponse {
  readonly status: number;
  /** Names in lower case; values of a name that came twice joined by `, `. */
  readonly headers: ReadonlyMap<string, string>;
  /** The bytes after the head. */
  readonly rest: Buffer;
}

export function emitRequest(request: UpgradeRequest): string {
  const head = [`${request.method} ${request.path} ${request.httpVersion}`];
  for (const [name, value] of request.headers) head.push(`${name}: ${value}`);
  return `${head.join("\r\n")}\r\n\r\n`;
}

/** The Sec-WebSocket-Accept that answers this key (section 4.2.2). */
export function acceptFor(key: string): string {
  return createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
}

/** The bytes are no HTTP response. The message shows how they begin. */
export class NotHttp extends Error {
  override readonly name = "NotHttp";
}

const maxHeadBytes = 65_536;

/**
 * The head of a response, or undefined while it is not whole.
 * @throws NotHttp as soon as it cannot become one
 */
export function parseResponseHead(bytes: Buffer): UpgradeResponse | undefined {
  const start = bytes.subarray(0, 5).toString("latin1");
  if (!"HTTP/".startsWith(start.slice(0, 5))) throw new NotHttp(`bytes that are not HTTP: ${shown(bytes)}`);
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) {
    if (bytes.length > maxHeadBytes) throw new NotHttp(`a response head over ${maxHeadBytes} bytes`);
    return undefined;
  }
  const [statusLine = "", ...lines] = bytes.subarray(0, end).toString("latin1").split("\r\n");
  const status = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(statusLine)?.[1];
  if (status === undefined) throw new NotHttp(`a status line that is not HTTP/1: ${shown(Buffer.from(statusLine))}`);
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon < 1) throw new NotHttp(`a header line without a name: ${shown(Buffer.from(line))}`);
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return { status: Number(status), headers, rest: bytes.subarray(end + 4) };
}

/** Whether the body has come whole, by its declared length; false where only the end of the connection tells. */
export function isBodyWhole(headers: ReadonlyMap<string, string>, body: Buffer): boolean {
  const declared = headers.get("content-length");
  if (declared !== undefined) return body.length >= Number(declared);
  return headers.get("transfer-encoding")?.toLowerCase() === "chunked" && body.toString("latin1").endsWith("0\r\n\r\n");
}

/** What a chunked body says (RFC 9112 section 7.1), up to where it breaks off. @param body as it came; its sizes count bytes of UTF-8 */
export function withoutChunks(body: string): string {
  let bytes = Buffer.from(body);
  const parts: Buffer[] = [];
  for (;;) {
    const end = bytes.indexOf("\r\n");
    const size = Number.parseInt(bytes.subarray(0, Math.max(end, 0)).toString("latin1"), 16);
    if (!(size > 0)) return Buffer.concat(parts).toString("utf8");
    parts.push(bytes.subarray(end + 2, end + 2 + size));
    bytes = bytes.subarray(end + 2 + size + 2);
  }
}

function shown(bytes: Buffer): string {
  return JSON.stringify(bytes.subarray(0, 40).toString("latin1"));
}
