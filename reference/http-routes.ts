// HTTP on the server's port: publishing, health, metrics, and pages.
import { isUtf8 } from "node:buffer";
import type { IncomingMessage, ServerResponse } from "node:http";
import express, { type ErrorRequestHandler, type Express, type Request, type Response } from "express";
import { errorCodes, protocol } from "../generated/protocol.gen.ts";
import type { ErrorCode, Published, PublishRefused } from "../generated/types.gen.ts";
import isChat from "../generated/validators/chat.gen.js";
import isPublish from "../generated/validators/publish.gen.js";
import type { Config } from "./config.ts";
import { bearerToken, refusalStatus, upgradeHeaders } from "./handshake.ts";
import { type Hub, HubUnavailable, HubUncertain } from "./hub/hub.ts";
import type { Logger } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import { addPageRoutes, type PageContext } from "./page-routes.ts";
import { pointerOf } from "./parse-frame.ts";
import { handshakeBarred, httpPublish } from "./requirements.ts";
import type { VerifyToken } from "./tokens.ts";

export interface HttpContext extends PageContext {
  readonly config: Pick<Config, "limits" | "trustedProxyHops" | "metricsPort">;
  readonly hub: Hub;
  readonly metrics: Metrics;
  readonly verifyToken: VerifyToken;
  /** undefined: off. */
  readonly accessLog: Logger | undefined;
  isDraining(): boolean;
  /** Reports an internal error. */
  failed(error: unknown): void;
}

export function createHttpRoutes(context: HttpContext): Express {
  const { config, metrics } = context;
  const app = express();
  app.disable("x-powered-by");
  app.set("trust proxy", config.trustedProxyHops);
  app.use((_request, response, next) => {
    response.set({ "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer" });
    next();
  });

  const verify = requireUtf8;
  const readBody = express.json({ type: () => true, strict: false, limit: config.limits.messageBytes, verify });
  app.post("/rooms/:room/messages", authorize(context), readBody, (request, response) => publish(context, request, response));
  app.all("/rooms/:room/messages", (_request, response) => {
    response.set("Allow", "POST").status(405).type("text").send("Publish with POST.");
  });
  app.all(protocol.address, (_request, response) => {
    response.set(Object.fromEntries(upgradeHeaders)).status(refusalStatus("not-an-upgrade"));
    response.type("text").send("Connect with a WebSocket client.");
  });

  app.get("/health/live", (_request, response) => {
    response.json({ status: "live" });
  });
  app.get("/health/ready", (_request, response) => {
    const status = context.isDraining() ? "draining" : context.hub.available ? "ready" : "unavailable";
    response.status(status === "ready" ? 200 : 503).json({ status });
  });
  if (config.metricsPort === undefined) app.get("/metrics", (_request, response) => sendMetrics(metrics, response));
  addPageRoutes(app, context);
  app.use((_request, response) => {
    response.status(404).type("text").send(`Not found. The WebSocket is at ${protocol.address}, its documentation at /docs.`);
  });
  app.use(createErrorHandler(context));
  return app;
}

/** Routes of a separate metrics port. */
export function createMetricsRoutes(metrics: Metrics): Express {
  const app = express();
  app.disable("x-powered-by");
  app.get("/metrics", (_request, response) => sendMetrics(metrics, response));
  return app;
}

async function sendMetrics(metrics: Metrics, response: Response): Promise<void> {
  response.set("Content-Type", metrics.contentType).send(await metrics.text());
}

/** Rejects what Express would decode with replacement characters. JSON is always UTF-8 (RFC 8259 section 8.1). */
function requireUtf8(_request: IncomingMessage, _response: ServerResponse, body: Buffer): void {
  if (!isUtf8(body)) throw Object.assign(new Error("not UTF-8"), { type: "entity.parse.failed" });
}

/** Checks identity and role before the body is read. */
function authorize({ verifyToken }: HttpContext) {
  return (request: Request, response: Response, next: () => void): void => {
    const identity = verifyToken(bearerToken(request.get("authorization")) ?? "");
    if (typeof identity === "string") {
      response.set("WWW-Authenticate", "Bearer");
      refuse(response, "TOKEN_INVALID");
      return;
    }
    const error = httpPublish.missingClaim(identity) ?? (handshakeBarred(identity) === undefined ? undefined : "FORBIDDEN");
    if (error !== undefined) {
      refuse(response, error);
      return;
    }
    response.locals.identity = identity;
    next();
  };
}

async function publish({ hub, metrics, accessLog }: HttpContext, request: Request, response: Response): Promise<void> {
  const body: unknown = request.body;
  if (!isPublish(body)) {
    const problem = isPublish.errors?.[0];
    return refuse(response, "INVALID_MESSAGE", problem && { message: problem.message, pointer: pointerOf(problem) });
  }
  const key = request.get("idempotency-key");
  const room = request.params.room;
  // Rooms and keys follow the same rules as those of a chat message.
  const chat = { type: "chat", id: "http", payload: { room, content: body.content, ...(key !== undefined && { key }) } };
  if (!isChat(chat)) {
    const isRoom = isChat.errors?.[0]?.instancePath === "/payload/room";
    return refuse(response, "INVALID_MESSAGE", {
      message: isRoom ? "The path does not name a valid room." : "Idempotency-Key is not a valid key.",
    });
  }
  const { userId, username } = response.locals.identity;
  const from = { clientId: null, userId, username };
  const answer = await hub.publish({ room: chat.payload.room, from, content: body.content, key, needsMembership: false });
  if ("refused" in answer) {
    const retryAfterMs = answer.refused === "RATE_LIMITED" ? answer.retryAfterMs : undefined;
    return refuse(response, answer.refused, retryAfterMs === undefined ? {} : { retryAfterMs });
  }
  metrics.published();
  accessLog?.info({ event: "published", userId, address: request.ip, room: chat.payload.room });
  response.status(202).json({ epoch: answer.epoch, seq: answer.seq } satisfies Published);
}

interface Details {
  readonly message?: string | undefined;
  readonly pointer?: string;
  readonly retryAfterMs?: number;
  /** Replaces the documented status of the error. */
  readonly status?: number;
}

function refuse(response: Response, code: ErrorCode, { message, pointer, retryAfterMs, status }: Details = {}): void {
  const documented: { readonly description: string; readonly retryable: boolean; readonly http?: number } = errorCodes[code];
  if (documented.retryable) response.set("Retry-After", `${Math.ceil((retryAfterMs ?? 1000) / 1000)}`);
  const error = {
    code,
    message: message ?? documented.description,
    retryable: documented.retryable,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(pointer !== undefined && { pointer }),
  };
  response.status(status ?? documented.http ?? 400).json({ error } satisfies PublishRefused);
}

/** Maps errors of Express and its parsers to errors of the document. Express recognises an error handler by its four parameters. */
function createErrorHandler({ failed }: HttpContext): ErrorRequestHandler {
  return (error: { readonly type?: string; readonly status?: number }, _request, response, next) => {
    if (response.headersSent) return next(error);
    if (error instanceof HubUnavailable) return refuse(response, "UNAVAILABLE");
    if (error instanceof HubUncertain) return refuse(response, "INTERNAL");
    if (error.type === "entity.parse.failed") return refuse(response, "INVALID_JSON");
    if (error.type === "entity.too.large")
      return refuse(response, "INVALID_MESSAGE", { message: "The body is too large.", status: 413 });
    if (error.status !== undefined && error.status < 500) {
      return refuse(response, "INVALID_MESSAGE", { message: "The request cannot be read.", status: error.status });
    }
    failed(error);
    refuse(response, "INTERNAL");
  };
}
