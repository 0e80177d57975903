// The server: one handler for each message, typed by the document. Invalid messages never reach a handler.
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { type RawData, type WebSocket, WebSocketServer } from "ws";
import { limits, protocol } from "./generated/protocol.gen.ts";
import type { ClientMessage, ErrorMessage, ServerMessage } from "./generated/types.gen.ts";
import isPing from "./generated/validators/ping.gen.js";
import isPublish from "./generated/validators/publish.gen.js";
import isSubscribe from "./generated/validators/subscribe.gen.js";

type Type = ClientMessage["type"];
type Of<T extends Type> = Extract<ClientMessage, { type: T }>;

interface Connection {
  readonly topics: Set<string>;
  send(message: ServerMessage): void;
}

export interface Server {
  readonly url: string;
  stop(): Promise<void>;
}

const validators: { readonly [T in Type]: (value: unknown) => value is Of<T> } = {
  subscribe: isSubscribe,
  publish: isPublish,
  ping: isPing,
};

/** @param port 0: any free one */
export async function startServer(port: number): Promise<Server> {
  const connections = new Set<Connection>();

  // The compiler wants a handler for each message of the document, and checks what it sends.
  const handlers: { readonly [T in Type]: (from: Connection, message: Of<T>) => void } = {
    subscribe(from, { id, topic }) {
      from.topics.add(topic);
      from.send({ type: "subscribed", replyTo: id, topic });
    },
    publish(from, { id, topic, text }) {
      if (!from.topics.has(topic)) return from.send(refusal("NOT_SUBSCRIBED", "Subscribe to the topic first.", id));
      from.send({ type: "published", replyTo: id });
      for (const to of connections) if (to.topics.has(topic)) to.send({ type: "news", topic, text });
    },
    ping(from, { id }) {
      from.send({ type: "pong", replyTo: id });
    },
  };

  function receive(from: Connection, text: string): void {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return from.send(refusal("INVALID_JSON", "The frame is not JSON."));
    }
    const { type, id } = (value ?? {}) as { type?: unknown; id?: unknown };
    const replyTo = typeof id === "string" && /^[A-Za-z0-9_-]{1,64}$/.test(id) ? id : undefined;
    if (type === "subscribe" && validators.subscribe(value)) handlers.subscribe(from, value);
    else if (type === "publish" && validators.publish(value)) handlers.publish(from, value);
    else if (type === "ping" && validators.ping(value)) handlers.ping(from, value);
    else if (typeof type === "string" && !Object.hasOwn(validators, type)) {
      from.send(refusal("UNKNOWN_TYPE", "No message has this type.", replyTo));
    } else from.send(refusal("INVALID_MESSAGE", "The message does not match its schema.", replyTo));
  }

  const server = new WebSocketServer({
    port,
    host: "127.0.0.1",
    path: protocol.address,
    maxPayload: limits.messageBytes.value,
    perMessageDeflate: false,
    // RFC 6455 section 4.2.1 wants both; ws asks for neither.
    verifyClient: ({ req }: { req: IncomingMessage }) => req.httpVersion === "1.1" && req.headers.host !== undefined,
  });
  server.on("connection", (socket: WebSocket) => {
    const connection: Connection = { topics: new Set(), send: (message) => socket.send(JSON.stringify(message)) };
    connections.add(connection);
    socket.on("message", (data: RawData, isBinary: boolean) => {
      if (isBinary) socket.close(1003, "Text frames only.");
      else receive(connection, data.toString());
    });
    // ws itself closes connections that violate RFC 6455: 1002, 1007, 1009.
    socket.on("error", () => {});
    socket.on("close", () => connections.delete(connection));
  });
  await new Promise<void>((resolve, reject) => server.once("listening", resolve).once("error", reject));

  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}${protocol.address}`,
    stop: () =>
      new Promise((resolve) => {
        for (const socket of server.clients) socket.terminate();
        server.close(() => resolve());
      }),
  };
}

function refusal(code: ErrorMessage["code"], message: string, replyTo?: string): ErrorMessage {
  return { type: "error", code, message, retryable: false, ...(replyTo !== undefined && { replyTo }) };
}
