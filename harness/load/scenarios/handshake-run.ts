// handshake: connections accepted at a rate, timed until the contract's first message; and refused ones, by autocannon.
import type { Handshake } from "../../../spec/contract.ts";
import { nowMs } from "../clock.ts";
import { fire } from "../http.ts";
import type { HttpPart } from "../load-result.ts";
import { play } from "../send-loop.ts";
import { ConnectionFailed, type ScenarioRun, type WorkerContext } from "../worker-context.ts";

/** Of those refused over HTTP, at once. */
const refusedConnections = 10;

export async function prepareHandshake(worker: WorkerContext): Promise<ScenarioRun> {
  const { profile, recorder, slice, urls } = worker;
  const pending = new Set<Promise<void>>();

  async function connect(dueMs: number, index: number, then?: () => void): Promise<void> {
    recorder.sent(dueMs, nowMs());
    try {
      await worker.setup(index, async () => recorder.done(dueMs, nowMs(), 0));
    } catch (error) {
      if (!(error instanceof ConnectionFailed)) throw error;
      if (error.wasOpen) recorder.closed(error.how, nowMs());
      else recorder.refused(error.how, nowMs());
    }
    then?.();
  }
  function begin(dueMs: number, index: number, then?: () => void): void {
    const one: Promise<void> = connect(dueMs, index, then).finally(() => pending.delete(one));
    pending.add(one);
  }

  let http: HttpPart | undefined;
  return {
    get http() {
      return http;
    },
    play: (window) => play(worker, window, { sources: 1, send: begin }),
    async settle() {
      await Promise.all(pending);
      const refusal = slice.index === 0 ? refusedRequest(worker.channel.handshake, urls[0]!) : undefined;
      if (refusal === undefined) return;
      const { url, title, request } = refusal;
      const result = await fire({
        ...{ url, title, request, connections: refusedConnections, perSecond: undefined, hangsUp: true },
        durationMs: profile.durationMs,
        timeoutMs: profile.timeoutMs,
      });
      http = { title, result };
    },
    end: async () => undefined,
  };
}

/** An upgrade that the document refuses over HTTP; undefined where it names none that a request alone can bring about. */
function refusedRequest(handshake: Handshake | undefined, url: string) {
  const http = new URL(url.replace(/^ws/, "http"));
  const upgrade = {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
  };
  for (const { when, outcome } of handshake?.refusals ?? []) {
    if (!("http" in outcome)) continue;
    const title = `upgrades refused with ${outcome.http} (${when})`;
    const request = (path: string, headers: Record<string, string>) => ({
      url: http.origin,
      title,
      request: { method: "GET" as const, path, headers },
    });
    if (when === "path-unknown") return request(`${http.pathname}-no-such-path`, upgrade);
    if (when === "origin-not-allowed") return request(http.pathname, { ...upgrade, origin: "https://not-allowed.example" });
    if (when === "not-an-upgrade") return request(http.pathname, {});
  }
  return undefined;
}
