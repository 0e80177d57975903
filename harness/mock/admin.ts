// The mock's admin port: lists connections and what they sent, pushes messages, closes. Loopback only, and not for pages of a browser.
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { member } from "../../spec/raw.ts";
import type { Mock, ReceivedFrame } from "./start-mock.ts";

export interface Admin {
  readonly port: number;
  stop(): Promise<void>;
}

const maxFrames = 1_000;
const maxBodyBytes = 1_048_576;

/** What was asked for cannot be done: the text says why. */
class BadRequest extends Error {
  override readonly name = "BadRequest";
}

export async function startAdmin(mock: Mock, port: number): Promise<Admin> {
  const received: ReceivedFrame[] = [];
  const off = mock.onReceived((frame) => {
    received.push(frame);
    if (received.length > maxFrames) received.shift();
  });
  const server = createServer((request, response) => {
    const answer = (status: number, value: unknown) => {
      response.writeHead(status, { "Content-Type": "application/json" }).end(`${JSON.stringify(value)}\n`);
    };
    handle(mock, received, request).then(
      (value) =>
        value === undefined
          ? answer(404, { error: "known: GET /connections, GET /received, POST /send, POST /close" })
          : answer(200, value),
      (error) =>
        answer(error instanceof BadRequest ? 400 : 500, { error: String(error instanceof Error ? error.message : error) }),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise((resolve) => {
        off();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function handle(mock: Mock, received: readonly ReceivedFrame[], request: IncomingMessage): Promise<unknown> {
  // A page of a browser that resolves its own name to this machine is none of ours.
  if (!/^(localhost|127\.0\.0\.1)(:\d+)?$/.test(request.headers.host ?? "")) throw new BadRequest("the Host must be 127.0.0.1");
  if (request.headers.origin !== undefined) throw new BadRequest("requests from web pages are rejected");
  const asked = `${request.method} ${request.url}`;
  if (asked === "GET /connections")
    return mock
      .connections()
      .map(({ session }) => ({ connection: session.id, attributes: Object.fromEntries(session.attributes) }));
  if (asked === "GET /received") return received;
  if (asked !== "POST /send" && asked !== "POST /close") return undefined;
  if (!/^application\/json\b/.test(request.headers["content-type"] ?? ""))
    throw new BadRequest("expected Content-Type: application/json");
  const body = await readJson(request);
  if (asked === "POST /close") {
    const { code, reason } = { code: member(body, "code") ?? 1000, reason: member(body, "reason") ?? "" };
    if (
      typeof code !== "number" ||
      !(code === 1000 || (code >= 1001 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || (code >= 3000 && code <= 4999))
    )
      throw new BadRequest("expected code to be a close code that may be sent, such as 1000, 1011 or 4003");
    if (typeof reason !== "string" || Buffer.byteLength(reason) > 123)
      throw new BadRequest("expected reason to be a text of at most 123 bytes");
    return { closed: closeConnections(mock, code, reason, member(body, "connection")) };
  }
  const name = member(body, "message");
  const parts = member(body, "with") ?? {};
  if (typeof name !== "string" || typeof parts !== "object")
    throw new BadRequest('expected {"message": NAME, "with": {POINTER: VALUE}}');
  return { sent: pushMessage(mock, name, Object.entries(parts as object), member(body, "connection")) };
}

/** @returns how many were closed */
export function closeConnections(mock: Mock, code: number, reason: string, only?: unknown): number {
  const chosen = mock.connections().filter(({ session }) => only === undefined || session.id === only);
  for (const { connection } of chosen) connection.close(code, reason);
  return chosen.length;
}

/** @returns how many received it @throws Error for a message that the server does not send */
export function pushMessage(mock: Mock, name: string, parts: readonly (readonly [string, unknown])[], only?: unknown): number {
  const chosen = mock.connections().filter(({ session }) => only === undefined || session.id === only);
  const names = new Set(mock.engines.flatMap(({ protocol }) => protocol.serverMessages.map((message) => message.name)));
  if (!names.has(name)) throw new BadRequest(`the server sends no message ${name}; it sends ${[...names].join(", ")}`);
  const able = chosen.filter(({ engine }) => engine.protocol.serverMessages.some((message) => message.name === name));
  for (const { connection, engine } of able) connection.send(JSON.stringify(engine.factory.build(name, parts)), name);
  return able.length;
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) throw new BadRequest("the body is too long");
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch {
    throw new BadRequest("the body is not JSON");
  }
}
