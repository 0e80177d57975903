// HTTP requests on our own schedule: sent when they are due, whatever the server answers; what finds no free connection waits for one.
import http from "node:http";
import https from "node:https";

export interface HttpSenderOptions {
  /** `http:` or `https:`. */
  readonly origin: string;
  /** Kept open; further requests wait. */
  readonly connections: number;
  readonly timeoutMs: number;
  readonly insecure: boolean;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

export interface HttpSender {
  /** Resolves with why there is none, such as `ECONNRESET` or `timeout`, where there is no answer. */
  send(method: string, path: string, headers: Readonly<Record<string, string>>, body: string): Promise<HttpAnswer | string>;
  /** Sent, and not answered yet. */
  readonly waiting: number;
  end(): void;
}

export function createHttpSender({ origin, connections, timeoutMs, insecure }: HttpSenderOptions): HttpSender {
  const url = new URL(origin);
  const library = url.protocol === "https:" ? https : http;
  const agent = new library.Agent({ keepAlive: true, maxSockets: connections, rejectUnauthorized: !insecure });
  let waiting = 0;
  const sender: HttpSender = {
    get waiting() {
      return waiting;
    },
    send(...what) {
      waiting++;
      const [method, path, headers, body] = what;
      return new Promise((resolve) => {
        const done = (answer: HttpAnswer | string) => {
          clearTimeout(timer);
          waiting--;
          resolve(answer);
        };
        const length = String(Buffer.byteLength(body));
        const request = library.request(url, { agent, method, path, headers: { ...headers, "content-length": length } });
        const timer = setTimeout(() => request.destroy(Object.assign(new Error(), { code: "timeout" })), timeoutMs);
        request.on("error", (error: NodeJS.ErrnoException) => {
          // The server ended a kept-alive connection at the moment in which it was used again: no answer of the server.
          if (request.reusedSocket && error.code === "ECONNRESET") sender.send(...what).then(done);
          else done(error.code ?? error.message);
        });
        request.on("response", (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("error", (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
          response.on("end", () => done({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") }));
        });
        request.end(body);
      });
    },
    end: () => agent.destroy(),
  };
  return sender;
}
