// publish: autocannon drives the HTTP operation that publishes into a log, and the log's WebSocket members measure the delivery.

import { setTimeout as sleep } from "node:timers/promises";
import type { Channel, Operation } from "../../../spec/contract.ts";
import { withValueAt } from "../../client/messages.ts";
import { userFor } from "../../client/preconditions.ts";
import { logRoles } from "../../cluster/log-roles.ts";
import { UsageError } from "../../schema/errors.ts";
import { nowMs } from "../clock.ts";
import { fire } from "../http.ts";
import type { HttpPart } from "../load-result.ts";
import { padded, seqIn, setupMembers } from "../members.ts";
import { dueMark } from "../seq-log.ts";
import { createTemplate } from "../template.ts";
import type { ScenarioRun, WorkerContext } from "../worker-context.ts";

interface HttpPublish {
  readonly operation: Operation;
  readonly channel: Channel;
  /** In the body. */
  readonly content: string;
  /** Of the address: which log. */
  readonly parameter: string;
}

export async function preparePublish(worker: WorkerContext, progress: (count: number) => void): Promise<ScenarioRun> {
  const { profile, recorder, slice, contract } = worker;
  const found = httpPublish(worker);
  if (found === undefined)
    throw new UsageError(
      "publish needs an HTTP channel whose operation delivers into a log; the document has none. fanout publishes over WebSocket.",
    );
  const members = await setupMembers(worker, progress);
  const { operation, channel, content, parameter } = found;
  const { claims, prefix, header } = await bearer(worker, operation);
  const name = operation.messages[0]!;
  const message = contract.messages.find((one) => one.name === name);
  const template = createTemplate(message?.examples[0]?.payload ?? withValueAt({}, content, ""), { id: undefined, content });
  const origin = new URL(worker.urls[0]!.replace(/^ws/, "http")).origin;
  let turn = 0;
  let http: HttpPart | undefined;

  return {
    get http() {
      return http;
    },
    async play(window) {
      recorder.begin(window);
      // autocannon sends at the begin of each second of its own: so that they are those of the window.
      await sleep(Math.max(0, window.startMs - profile.warmUpMs - nowMs()));
      if (slice.index > 0) {
        // One autocannon is enough for all threads.
        await sleep(Math.max(0, window.endMs - nowMs()));
        return;
      }
      recorder.notes.add(
        "autocannon sends what is due in a second at its begin, and waits for answers: latencies of publish count from the send",
      );
      const title = `${operation.httpMethod ?? "POST"} ${channel.address}`;
      const result = await fire({
        url: origin,
        title,
        connections: profile.connections,
        perSecond: profile.perSecond,
        durationMs: profile.warmUpMs + profile.durationMs,
        timeoutMs: profile.timeoutMs,
        request: {
          method: (operation.httpMethod ?? "POST") as "POST",
          headers: { "content-type": "application/json", [header]: `${prefix}${claims}` },
          setupRequest(request, context) {
            const index = turn++;
            const key = members.keys[index % members.keys.length]!;
            const dueMs = nowMs();
            Object.assign(context, { key, dueMs });
            recorder.sent(dueMs, dueMs);
            return {
              ...request,
              path: channel.address.replace(`{${parameter}}`, encodeURIComponent(key)),
              body: template.emit("", padded(dueMark(dueMs, index), profile.payloadBytes)),
            };
          },
          onResponse(status, body, context) {
            const { key, dueMs } = context as { key: string; dueMs: number };
            if (recorder.isMeasured(dueMs)) recorder.counts.replied++;
            if (status >= 300) recorder.refused(`HTTP ${status}`, nowMs());
            const seq = status < 300 ? seqIn(parsed(body), members.roles) : undefined;
            if (seq !== undefined) members.log(key).acknowledged(seq);
          },
        },
      });
      http = { title, result };
    },
    reached: members.reached,
    settle: members.settle,
    seen: members.seen,
    end: members.end,
  };
}

function httpPublish({ contract, channel: sockets }: WorkerContext): HttpPublish | undefined {
  const roles = logRoles(contract, sockets);
  if (roles === undefined) return undefined;
  for (const channel of contract.channels) {
    if (channel.kind !== "http") continue;
    for (const operation of contract.operations) {
      if (operation.channel !== channel.id || operation.action !== "receive") continue;
      for (const effect of operation.effects) {
        if (effect.kind !== "deliver" || effect.message !== roles.delivered) continue;
        const content = effect.bindings.get(roles.content.delivered);
        const key = effect.bindings.get(roles.stream.key!);
        if (content?.kind === "message" && key?.kind === "parameter")
          return { operation, channel, content: content.pointer, parameter: key.name };
      }
    }
  }
  return undefined;
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** A credential with the claims that the operation wants, by a header: that is what HTTP has. */
async function bearer(worker: WorkerContext, operation: Operation): Promise<{ claims: string; prefix: string; header: string }> {
  const carrier = worker.channel.handshake?.credentials?.carriers.find((one) => one.in === "header");
  const user = await userFor(worker.context, operation);
  return {
    claims: user.credential ?? "",
    prefix: carrier?.in === "header" ? carrier.prefix : "Bearer ",
    header: carrier?.in === "header" ? carrier.name : "authorization",
  };
}
