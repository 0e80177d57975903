// The rules over generated messages on another document than our own: lists, enums, null, and errors that are told by close codes alone.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import type { Contract } from "../../../spec/contract.ts";
import { loadContract } from "../../../spec/load-contract.ts";
import { createValidators, type Validate } from "../../../spec/schemas.ts";
import type { ContractUnderTest } from "../../client/context.ts";
import { openRun } from "../open-run.ts";
import { runOnce } from "../run-rule.ts";
import { boundariesPhase } from "./boundaries.ts";
import { examplesPhase } from "./examples.ts";
import { invalidPhase } from "./invalid.ts";

const errorReply = `
  reply: { message: oops, code: /why }`;
const document = (closes: boolean) => `
asyncapi: 3.0.0
info: { title: orders, version: 1.0.0, description: Orders of cakes. }
x-errors:${closes ? "\n  reply: {}" : errorReply}
  codes:
    - { code: NOT_JSON, description: Not JSON., when: not-json, retryable: false${closes ? ", close: 4400" : ""} }
    - { code: NOT_AN_ORDER, description: No order., when: not-in-schema, retryable: false${closes ? ", close: 4401" : ""} }
    - { code: WHAT, description: Unknown., when: unknown-type, retryable: false${closes ? ", close: 4402" : ""} }
channels:
  orders:
    address: /
    description: One connection.
    messages:
      order: { $ref: "#/components/messages/order" }
      ordered: { $ref: "#/components/messages/ordered" }
      oops: { $ref: "#/components/messages/oops" }
    x-close-codes:
      - { code: 4400, name: A, by: server, reconnect: stop, when: Not JSON. }
      - { code: 4401, name: B, by: server, reconnect: stop, when: No order. }
      - { code: 4402, name: C, by: server, reconnect: stop, when: Unknown. }
    x-delivery: { fence: order, streams: {} }
operations:
  order:
    action: receive
    channel: { $ref: "#/channels/orders" }
    messages: [{ $ref: "#/channels/orders/messages/order" }]
    reply:
      channel: { $ref: "#/channels/orders" }
      messages: [{ $ref: "#/channels/orders/messages/ordered" }, { $ref: "#/channels/orders/messages/oops" }]
    x-requires: []
    x-effects:
      - reply: ordered
        with: { /size: $message.payload#/size }
components:
  messages:
    order:
      correlationId: { location: $message.payload#/ref }
      payload:
        type: object
        additionalProperties: false
        required: [op, ref, cakes, size]
        properties:
          op: { const: order }
          ref: { type: string, pattern: "^[a-z0-9-]{1,40}$" }
          cakes: { type: array, minItems: 1, maxItems: 3, items: { type: string, maxLength: 10 } }
          size: { enum: [small, large] }
          note: { type: [string, "null"], maxLength: 5 }
          count: { type: integer, minimum: 1, maximum: 9 }
      examples: [{ name: one, payload: { op: order, ref: a, cakes: [apple], size: small } }]
    ordered:
      correlationId: { location: $message.payload#/ref }
      payload:
        type: object
        required: [op, ref, size]
        properties: { op: { const: ordered }, ref: { type: string }, size: { type: string } }
      examples: [{ name: one, payload: { op: ordered, ref: a, size: small } }]
    oops:
      correlationId: { location: $message.payload#/ref }
      payload:
        type: object
        required: [op, why]
        properties: { op: { const: oops }, ref: { type: string }, why: { type: string } }
      examples: [{ name: one, payload: { op: oops, why: WHAT } }]
`;

type Order = { readonly cakes: readonly unknown[]; readonly size: string; readonly note?: unknown; readonly count?: number };

/** What is wrong with a server; none: it keeps the document. */
const flaws = {
  none: {},
  "accepts everything": { accepts: () => true },
  "ignores what is malformed": { silent: true },
  "takes two cakes at most": { refuses: ({ cakes }: Order) => cakes.length > 2 },
  "takes four cakes": { accepts: (order: Order) => Array.isArray(order.cakes) && order.cakes.length === 4 },
  "knows no large": { refuses: ({ size }: Order) => size === "large" },
  "knows no null": { refuses: ({ note }: Order) => note === null },
  "counts UTF-16 units": {
    refuses: ({ note, cakes }: Order) => `${note ?? ""}`.length > 5 || cakes.some((cake) => `${cake}`.length > 10),
  },
  "counts to eight": { refuses: ({ count = 1 }: Order) => count > 8 },
  "knows no count": { refuses: ({ count }: Order) => count !== undefined },
} satisfies Record<string, { accepts?: (order: Order) => boolean; refuses?: (order: Order) => boolean; silent?: boolean }>;
type Flaw = (typeof flaws)[keyof typeof flaws] & {
  accepts?: (order: Order) => boolean;
  refuses?: (order: Order) => boolean;
  silent?: boolean;
};

let folder: string;
const subjects: Record<"replies" | "closes", ContractUnderTest> = {} as never;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "wsproof-"));
  for (const kind of ["replies", "closes"] as const) {
    const file = join(folder, `${kind}.yaml`);
    await writeFile(file, document(kind === "closes"));
    const { contract, findings } = await loadContract({ file });
    expect(findings.filter(({ blocking }) => blocking)).toEqual([]);
    subjects[kind] = { contract: contract!, channel: contract!.channels[0]! };
  }
});
afterAll(() => rm(folder, { recursive: true }));

async function serve(contract: Contract, flaw: Flaw): Promise<{ url: string; stop(): void }> {
  const isOrder = createValidators(contract).of("order");
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  server.on("connection", (socket) => socket.on("message", (data) => answer(contract, socket, String(data), isOrder, flaw)));
  await new Promise((resolve) => server.once("listening", resolve));
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    stop() {
      for (const socket of server.clients) socket.terminate();
      server.close();
    },
  };
}

function answer(contract: Contract, socket: WebSocket, text: string, isOrder: Validate, flaw: Flaw): void {
  let order: (Order & { op?: unknown; ref?: unknown }) | undefined;
  try {
    order = JSON.parse(text);
  } catch {}
  const ref = typeof order?.ref === "string" && /^[a-z0-9-]{1,40}$/.test(order.ref) ? { ref: order.ref } : {};
  const refuse = (code: string) => {
    if (flaw.silent === true) return;
    const close = contract.errors?.codes.find((one) => one.code === code)?.close;
    if (close === undefined) socket.send(JSON.stringify({ op: "oops", ...ref, why: code }));
    else socket.close(close);
  };
  const isValid = order !== undefined && isOrder(order).length === 0 && flaw.refuses?.(order) !== true;
  if (isValid || flaw.accepts?.(order ?? ({} as Order))) {
    socket.send(JSON.stringify({ op: "ordered", ref: order?.ref ?? "none", size: order?.size ?? "small" }));
  } else if (order === undefined) refuse("NOT_JSON");
  else refuse(typeof order?.op === "string" && order.op !== "order" ? "WHAT" : "NOT_AN_ORDER");
}

/** The rules that fail, and those that judged nothing, of the three phases. */
async function judge(
  subject: ContractUnderTest,
  flaw: Flaw,
): Promise<{ failed: string[]; undecided: string[]; passed: string[] }> {
  const { url, stop } = await serve(subject.contract, flaw);
  const target = { urls: [url], origin: undefined, pid: undefined, askToStop: undefined, embedded: false };
  const { run, end } = await openRun({ ...subject, target, auth: {}, timeoutMs: 10_000 });
  const outcomes = new Map<string, Set<string>>();
  try {
    for (const { rules } of [examplesPhase, boundariesPhase, invalidPhase]) {
      for (const rule of rules) {
        for (const clause of rule.from(subject)) {
          const outcome = await runOnce(run, rule, clause);
          outcomes.set(rule.id, (outcomes.get(rule.id) ?? new Set()).add(outcome.kind));
        }
      }
    }
  } finally {
    await end();
    stop();
  }
  const having = (wanted: (kinds: ReadonlySet<string>) => boolean) =>
    [...outcomes].flatMap(([id, kinds]) => (wanted(kinds) ? [id] : []));
  return {
    failed: having((kinds) => kinds.has("fail")),
    undecided: having((kinds) => !kinds.has("pass") && !kinds.has("fail")),
    passed: having((kinds) => kinds.size === 1 && kinds.has("pass")),
  };
}

describe("another document", () => {
  it("a server that keeps it passes, and lists, enums and null are checked", async () => {
    const { failed, undecided, passed } = await judge(subjects.replies, flaws.none);
    expect(failed).toEqual([]);
    expect(undecided).toEqual([]);
    const judged = ["count-accepted", "count-rejected", "enum-accepted", "null-accepted", "optional-accepted", "number-rejected"];
    expect(passed).toEqual(expect.arrayContaining(judged.map((id) => `boundaries-${id}`)));
  });

  it("a server that tells errors by close codes alone passes", async () => {
    const { failed, undecided, passed } = await judge(subjects.closes, flaws.none);
    expect(failed).toEqual([]);
    expect(undecided).toEqual([]);
    expect(passed).toEqual(expect.arrayContaining(["invalid-keyword-rejected", "invalid-not-json", "boundaries-count-rejected"]));
  });

  it.each([
    ["accepts everything", ["invalid-keyword-rejected", "invalid-not-json", "invalid-unknown-type", "boundaries-count-rejected"]],
    ["ignores what is malformed", ["invalid-keyword-rejected", "invalid-not-json", "invalid-type-missing"]],
    ["takes two cakes at most", ["boundaries-count-accepted"]],
    ["takes four cakes", ["boundaries-count-rejected"]],
    ["knows no large", ["boundaries-enum-accepted"]],
    ["knows no null", ["boundaries-null-accepted"]],
    ["counts UTF-16 units", ["boundaries-length-accepted"]],
    ["counts to eight", ["boundaries-number-accepted"]],
    ["knows no count", ["boundaries-optional-accepted"]],
  ] as const)("a server that %s is convicted by the rules for it", async (name, ids) => {
    const { failed } = await judge(subjects.replies, flaws[name]);
    expect(failed).toEqual(expect.arrayContaining([...ids]));
  });
});
