// Why the first connection came to nothing, as one paragraph with cause and next step. Pure.
import type { Violation } from "../schema/errors.ts";

/** @param error what `dial` met at the first contact */
export function firstContactFailed(url: string, { expected, actual }: Violation): string {
  const status = /HTTP (\d{3})/.exec(actual)?.[1];
  const close = /^close (\d{4})/.exec(actual)?.[1];
  const head = `${url} cannot be tested: the harness waited for ${expected} and got ${actual}.`;
  if (status === "401" || status === "403") {
    return `${head} Is the credential right (--auth-secret, --auth-token, --auth-command), and the origin (--origin)?`;
  }
  if (status === "404") return `${head} Is the path right?`;
  if (status !== undefined)
    return `${head} Something speaks HTTP there, but it does not upgrade to a WebSocket. Is this the right port and path?`;
  if (actual.startsWith("dropped")) return `${head} This is not a WebSocket server, or it speaks TLS (then use wss:).`;
  if (close !== undefined)
    return `${head} Is the credential right (--auth-secret, --auth-token, --auth-command), and is it the server of this document (--spec)?`;
  if (actual.startsWith("the end of the connection")) return `${head} The server closes connections immediately. Check its log.`;
  if (actual.startsWith("silence")) return `${head} Is it the server of this document (--spec)? Allow more time with --timeout.`;
  return `${head} Is it the server of this document (--spec)?`;
}
