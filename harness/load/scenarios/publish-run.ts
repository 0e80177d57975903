// publish: the HTTP operation that publishes into a log, at a rate by a sender of our own, else by autocannon; the log's members measure the delivery.

import { setTimeout as sleep } from "node:timers/promises";
import type { Channel, Operation } from "../../../spec/contract.ts";
import { withValueAt } from "../../client/messages.ts";
import { userFor } from "../../client/preconditions.ts";
import { logRoles } from "../../cluster/log-roles.ts";
import { UsageError } from "../../schema/errors.ts";
import { nowMs } from "../clock.ts";
import { createHistogram, percentileMs, recordMs } from "../histogram.ts";
import { fire } from "../http.ts";
import { createHttpSender } from "../http-sender.ts";
import type { HttpPart } from "../load-result.ts";
import { padded, seqIn, setupMembers } from "../members.ts";
import { keepPace } from "../pace.ts";
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
  const method = operation.httpMethod ?? "POST";
  const headers = { "content-type": "application/json", [header]: `${prefix}${claims}` };
  const { timeoutMs, connections } = profile;
  const sender = createHttpSender({ origin, connections, timeoutMs, insecure: worker.insecure });
  const answers = createHistogram();
  let http: HttpPart | undefined;

  /** The request with this number, of all threads. */
  function requestOf(index: number, dueMs: number) {
    const key = members.keys[index % members.keys.length]!;
    return {
      key,
      path: channel.address.replace(`{${parameter}}`, encodeURIComponent(key)),
      body: template.emit("", padded(dueMark(dueMs, index), profile.payloadBytes)),
    };
  }
  function answered(dueMs: number, key: string, status: number, body: string): void {
    if (recorder.isMeasured(dueMs)) recorder.counts.replied++;
    if (status >= 300) recorder.refused(`HTTP ${status}`, nowMs());
    const seq = status < 300 ? seqIn(parsed(body), members.roles) : undefined;
    if (seq !== undefined) members.log(key).acknowledged(seq);
  }
  async function send(dueMs: number, index: number): Promise<void> {
    const { key, path, body } = requestOf(index * slice.count + slice.index, dueMs);
    recorder.sent(dueMs, nowMs());
    const answer = await sender.send(method, path, headers, body);
    if (recorder.isMeasured(dueMs)) recordMs(answers, nowMs() - dueMs);
    if (typeof answer !== "string") answered(dueMs, key, answer.status, answer.body);
    else if (answer === "timeout") recorder.counts.timeouts++;
    else recorder.refused(answer, nowMs());
  }
  /** The closed model: autocannon sends the next when an answer came. */
  async function fireClosed(startMs: number, endMs: number): Promise<void> {
    await sleep(Math.max(0, startMs - nowMs()));
    // One autocannon is enough for all threads.
    if (slice.index > 0) return sleep(Math.max(0, endMs - nowMs()));
    let turn = 0;
    const title = `${method} ${channel.address}`;
    const result = await fire({
      ...{ url: origin, title, connections, perSecond: undefined, durationMs: endMs - startMs, timeoutMs },
      request: {
        method: method as "POST",
        headers,
        setupRequest(request, context) {
          const dueMs = nowMs();
          const { key, path, body } = requestOf(turn++, dueMs);
          Object.assign(context, { key, dueMs });
          recorder.sent(dueMs, dueMs);
          return { ...request, path, body };
        },
        onResponse(status, body, context) {
          const { key, dueMs } = context as { key: string; dueMs: number };
          answered(dueMs, key, status, body);
        },
      },
    });
    http = { title, result };
  }

  return {
    get http() {
      return http;
    },
    async play(window) {
      recorder.begin(window);
      const { endMs } = window;
      const startMs = window.startMs - profile.warmUpMs;
      if (worker.perSecond === undefined) return fireClosed(startMs, endMs);
      const onTime = (dueMs: number, index: number) => void send(dueMs, index);
      await sleep(Math.max(0, startMs - nowMs()));
      recorder.counts.turnedMs += await keepPace({ perSecond: worker.perSecond, startMs, endMs, send: onTime });
    },
    async reached() {
      // Each has a deadline of its own.
      while (sender.waiting > 0) await sleep(10);
      return members.reached();
    },
    settle: members.settle,
    seen: members.seen,
    facts: () => (answers.totalCount === 0 ? {} : { p50: [percentileMs(answers, 50)], p99: [percentileMs(answers, 99)] }),
    end() {
      sender.end();
      return members.end();
    },
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
