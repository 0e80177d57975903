// The server's answer to a request on its way through the proxy: another status, other headers, another JSON body.
import type { OnResponse } from "../../conformance/faults/plan.ts";

/** The head of the answer. */
export interface Response {
  readonly statusLine: string;
  /** As they were written. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** In place of the one that comes; undefined: that one. */
  readonly body?: string;
}

/** @param head up to and without the empty line */
export function parseResponse(head: string): Response {
  const [statusLine = "", ...lines] = head.split("\r\n");
  const headers = lines.map((one): [string, string] => {
    const colon = one.indexOf(":");
    return [one.slice(0, colon), one.slice(colon + 1).trim()];
  });
  return { statusLine, headers };
}

export function statusOf({ statusLine }: Response): number {
  return Number(statusLine.split(" ")[1]);
}

/** @returns the head with its empty line, and the body where it is another than the one that comes */
export function emitResponse({ statusLine, headers, body = "" }: Response): string {
  return `${[statusLine, ...headers.map(([name, value]) => `${name}: ${value}`)].join("\r\n")}\r\n\r\n${body}`;
}

/**
 * After the acts that match its status; undefined where TCP ends in its place.
 * @param request the head of the request that it answers
 */
export function changed(response: Response, transformations: readonly OnResponse[], request: string): Response | undefined {
  const status = statusOf(response);
  let result = response;
  for (const { act } of transformations.filter((one) => one.status === undefined || one.status === status)) {
    if (act.do === "cut") return undefined;
    if (act.do === "status") result = { ...result, statusLine: `HTTP/1.1 ${act.to} Changed` };
    else if (act.do === "repeat-request") result = withHeader(result, "X-Request", request.replaceAll("\r\n", " "));
    else if (act.do === "body") {
      const sized = withHeader(withHeader(result, "Transfer-Encoding", undefined), "Content-Length", `${act.text.length}`);
      result = { ...sized, body: act.text };
    } else result = withHeader(result, act.name, act.value);
  }
  return result;
}

/** @param value undefined: taken out */
export function withHeader(response: Response, name: string, value: string | undefined): Response {
  const headers = response.headers.filter(([one]) => one.toLowerCase() !== name.toLowerCase());
  return { ...response, headers: value === undefined ? headers : [...headers, [name, value]] };
}
