// HTTP routes for browsers: the demo page and the client it runs, the documentation, and development tokens.
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import express, { type Express, type Request, type Response } from "express";

/** Signs a token without any check. Only for a server that runs with --dev. */
export type SignDevToken = (claims: DevClaims) => Promise<string>;

export interface DevClaims {
  readonly name: string;
  readonly roles: readonly string[];
  readonly lifetimeSeconds: number;
}

export interface PageContext {
  /** undefined: the route for development tokens does not exist. */
  readonly signDevToken: SignDevToken | undefined;
  /** Whether pages of this origin may connect. */
  allowsOrigin(origin: string): boolean;
}

const pathOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
/** All that is served of dist/: the page, the client, and what of `generated/` the client imports. */
const assets =
  /^(?:reference\/(?:page|client)\/[a-z-]+\.(?:js|css|svg)|generated\/(?:protocol|validators\/(?:server-messages|runtime))\.gen\.js)$/;
const docs = ["protocol.html", "PROTOCOL.md"].map((name) => pathOf(`../generated/${name}`));
/** The policy header repeats the Host header, so only a name and a port are let through. */
const plainHost = /^[A-Za-z0-9.:[\]-]{1,255}$/;
const maxLifetimeSeconds = 86_400;

export function addPageRoutes(app: Express, context: PageContext): void {
  app.get("/", (request, response) => {
    response.set("Content-Security-Policy", pagePolicy(request.get("host")));
    const html = readFileSync(pathOf("./page/index.html"), "utf8");
    const hasSignIn = context.signDevToken !== undefined;
    response.set("Cache-Control", "no-cache").type("html");
    response.send(hasSignIn ? html.replace('data-sign-in="token"', 'data-sign-in="name"') : html);
  });
  app.get("/assets/*name", (request, response, next) => {
    const name = ([] as string[]).concat(request.params.name ?? []).join("/");
    const file = assets.test(name) ? pathOf(`../${name}`) : undefined;
    if (file === undefined || !existsSync(file)) return next();
    response.set("Cache-Control", "no-cache").sendFile(file);
  });
  app.get("/docs", sendDocs);
  if (context.signDevToken !== undefined) addDevToken(app, context.signDevToken, context);
}

function pagePolicy(host = ""): string {
  // In older browsers 'self' does not include WebSocket URLs.
  const sockets = plainHost.test(host) ? ` ws://${host} wss://${host}` : "";
  const load = `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'${sockets}`;
  return `${load}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
}

/** The page's own policy holds the hashes of its script and style. Browsers accept frame-ancestors in a header only. */
function sendDocs(_request: Request, response: Response): void {
  const file = docs.find((name) => existsSync(name));
  if (file === undefined) {
    response.status(404).type("text").send("No documentation was generated.");
    return;
  }
  const html = readFileSync(file, "utf8");
  const named = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(html)?.[1];
  response.set("Content-Security-Policy", `${named ?? "default-src 'none'"}; frame-ancestors 'none'`);
  if (file.endsWith(".md")) response.type("text/markdown").sendFile(file);
  else response.type("html").send(html.replace('<button id="menu"', '<a class="home" href="/">Demo page</a>$&'));
}

function addDevToken(app: Express, sign: SignDevToken, { allowsOrigin }: PageContext): void {
  const readBody = express.json({ limit: 1_000 });
  app.post("/dev/token", readBody, async (request, response) => {
    const origin = request.get("origin");
    // Protects against pages of other origins, and against DNS rebinding.
    if (origin !== undefined && !allowsOrigin(origin)) {
      response.status(403).json({ message: "This origin may not connect." });
      return;
    }
    const claims = readClaims(request.body);
    if (typeof claims === "string") response.status(400).json({ message: claims });
    else response.set("Cache-Control", "no-store").json({ token: await sign(claims) });
  });
}

/** @returns the claims, or an error message */
function readClaims(body: unknown): DevClaims | string {
  const { name, roles = [], lifetimeSeconds = 3_600 } = (body ?? {}) as Record<string, unknown>;
  if (typeof name !== "string" || name.trim() === "" || [...name].length > 64) return "name: expected text of 1 to 64 characters";
  if (!Array.isArray(roles) || !roles.every((role) => typeof role === "string")) return "roles: expected a list of strings";
  const isLifetime = typeof lifetimeSeconds === "number" && lifetimeSeconds >= 1 && lifetimeSeconds <= maxLifetimeSeconds;
  if (!isLifetime) return `lifetimeSeconds: expected 1 to ${maxLifetimeSeconds}`;
  return { name, roles, lifetimeSeconds };
}
