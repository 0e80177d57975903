// What an operation over HTTP brings about: its answer, what the members get, and once only where a key says so.

import type { Effect } from "../../../../spec/contract.ts";
import { join, lookup } from "../../../../spec/pointer.ts";
import type { ContractUnderTest } from "../../../client/context.ts";
import { withValueAt } from "../../../client/messages.ts";
import { userFor } from "../../../client/preconditions.ts";
import type { Received, User } from "../../../client/received.ts";
import type { TestClient } from "../../../client/test-client.ts";
import { dataOf } from "../../../schema/contract-data.ts";
import { NotTestable, Violation } from "../../../schema/errors.ts";
import { equalJson } from "../../../schema/json.ts";
import { shortened } from "../../answer.ts";
import type { Context } from "../../context.ts";
import { faults } from "../../faults/fault.ts";
import { type Rule, rule } from "../../rule.ts";
import { enter } from "../examples/deliveries.ts";
import {
  boundOverHttp,
  described,
  exchange,
  expectSuccess,
  freshHeader,
  type HttpOperation,
  type HttpPromise,
  httpOperations,
  parametersFor,
} from "./exchange.ts";

type Deliver = Extract<Effect, { kind: "deliver" }>;
type Once = Extract<Effect, { kind: "once" }>;

function answered(subject: ContractUnderTest): readonly HttpPromise[] {
  return httpOperations(subject)
    .filter(({ success }) => success !== undefined)
    .map((http) => {
      const effect = http.operation.effects.find(({ kind }) => kind === "reply");
      return { pointer: effect?.pointer ?? join(http.operation.pointer, "reply"), text: http.operation.description, http };
    });
}

interface DeliveryPromise extends HttpPromise {
  readonly effect: Deliver;
}

/** Deliveries to all, or to a relation that the address or the body names, and that may not be dropped. */
function deliveries(subject: ContractUnderTest): readonly DeliveryPromise[] {
  const bestEffort = (subject.channel.delivery?.streams ?? []).flatMap(({ guarantee, messages }) =>
    guarantee === "best-effort" ? messages : [],
  );
  return httpOperations(subject).flatMap((http) =>
    http.operation.effects.flatMap((effect) =>
      effect.kind === "deliver" && effect.to.kind !== "connection" && !bestEffort.includes(effect.message)
        ? [{ pointer: effect.pointer, http, effect }]
        : [],
    ),
  );
}

interface OncePromise extends HttpPromise {
  readonly once: Once & { readonly key: { readonly kind: "header"; readonly name: string } };
}

function onces(subject: ContractUnderTest): readonly OncePromise[] {
  return httpOperations(subject).flatMap((http) =>
    http.operation.effects.flatMap((effect) =>
      effect.kind === "once" && effect.key.kind === "header"
        ? [{ pointer: effect.pointer, http, once: { ...effect, key: effect.key } }]
        : [],
    ),
  );
}

interface Scene {
  readonly user: User;
  readonly parameters: ReadonlyMap<string, string>;
  readonly body: unknown;
}

async function sceneFor(context: Context, http: HttpOperation): Promise<Scene> {
  return {
    user: await userFor(context, http.operation),
    parameters: parametersFor(context, http),
    body: http.message.examples[0]?.payload,
  };
}

/** A connection that the effect reaches, with nothing left to take. */
async function receiver(context: Context, { effect }: DeliveryPromise, scene: Scene): Promise<TestClient> {
  const client = await context.dial();
  if (effect.to.kind === "relation") {
    const keys = new Map<string, unknown>();
    for (const [column, value] of effect.to.where) keys.set(column, boundOverHttp(context, value, scene));
    await enter(context, client, effect.to.relation, keys);
  }
  await client.fence();
  client.takeAll();
  return client;
}

type Test = (received: Received) => boolean;

/** Whether it is this effect of this request, by what the document says of the sender, else of the address: others may send as well. */
function isOf(context: Context, { effect }: DeliveryPromise, scene: Scene): Test & { readonly describes: string } {
  const known = [...effect.bindings]
    .map(([at, { kind }]) => ({ at, kind, wanted: boundOverHttp(context, effect.bindings.get(at)!, scene) }))
    .filter(({ wanted }) => wanted !== undefined);
  const bySender = known.filter(({ kind }) => kind === "sender");
  const own = bySender.length > 0 ? bySender : known.filter(({ kind }) => kind === "parameter");
  const test: Test = ({ name, value }) =>
    name === effect.message && own.every(({ at, wanted }) => equalJson(wanted, lookup(value, at)));
  return Object.assign(test, { describes: `${effect.message} of this request` });
}

/** The body with a text of its own in it, and the delivery that carries it; where it carries none, any delivery. */
function marked(context: Context, { http, effect }: DeliveryPromise, body: unknown): { readonly body: unknown; isIt: Test } {
  const isValid = dataOf(context.contract).of(http.message).samples.isValid;
  for (const [at, value] of effect.bindings) {
    if (value.kind !== "message" || typeof lookup(body, value.pointer) !== "string") continue;
    const text = context.fresh("text");
    const unique = withValueAt(body, value.pointer, text);
    if (isValid(unique)) return { body: unique, isIt: ({ value }) => lookup(value, at) === text };
  }
  return { body, isIt: () => true };
}

/** Asks for one more, and demands that it is the next that comes of this scene: nothing came twice before it. */
async function expectNoMore(context: Context, promise: DeliveryPromise, scene: Scene, client: TestClient): Promise<void> {
  const sentinel = marked(context, promise, scene.body);
  await succeed(context, promise.http, { ...scene, body: sentinel.body });
  const next = await client.receive(isOf(context, promise, scene));
  if (!sentinel.isIt(next)) throw new Violation(`${promise.effect.message} once`, `once more: ${shortened(next.text)}`);
}

/** Of this operation, the delivery that shows whether it was done. */
function deliveryOf(subject: ContractUnderTest, http: HttpOperation): DeliveryPromise | undefined {
  return deliveries(subject).find((one) => one.http.operation.id === http.operation.id);
}

async function succeed(context: Context, http: HttpOperation, request: Parameters<typeof exchange>[2]) {
  const answer = await exchange(context, http, request);
  expectSuccess(context, http, answer);
  return answer;
}

export const httpEffectRules: readonly Rule[] = [
  rule<HttpPromise>({
    id: "http-success",
    level: "MUST",
    phase: "examples",
    title: "answers a valid HTTP request with the declared status and body",
    from: answered,
    async check(context, { http }) {
      const effect = http.operation.effects.find((one) => one.kind === "reply");
      for (const { payload: body } of http.message.examples) {
        const scene = { ...(await sceneFor(context, http)), body };
        const { value } = await succeed(context, http, scene);
        for (const [at, bound] of effect?.kind === "reply" ? effect.bindings : []) {
          const wanted = boundOverHttp(context, bound, scene);
          if (wanted !== undefined && !equalJson(wanted, lookup(value, at)))
            throw new Violation(`${JSON.stringify(wanted)} at ${at}`, JSON.stringify(lookup(value, at)) ?? "nothing there");
        }
      }
    },
    brokenBy: ({ http: { success } }) => {
      const status = success?.httpStatus ?? 200;
      return [faults.changesStatus(status, status === 200 ? 500 : 200), faults.changesBody(status, "{}")];
    },
  }),

  rule<DeliveryPromise>({
    id: "http-delivery",
    level: "MUST",
    phase: "examples",
    title: "delivers exactly once, with the right fields, what an HTTP request publishes",
    from: deliveries,
    async check(context, promise) {
      const { http, effect } = promise;
      const scene = await sceneFor(context, http);
      const client = await receiver(context, promise, scene);
      await succeed(context, http, scene);
      const delivered = await client.receive(isOf(context, promise, scene));
      for (const [at, value] of effect.bindings) {
        const wanted = boundOverHttp(context, value, scene);
        const actual = lookup(delivered.value, at);
        if (wanted !== undefined && !equalJson(wanted, actual)) {
          throw new Violation(
            `${JSON.stringify(wanted)} at ${at} of ${effect.message}`,
            `${JSON.stringify(actual) ?? "nothing"} in ${shortened(delivered.text)}`,
          );
        }
      }
      await expectNoMore(context, promise, scene, client);
    },
    brokenBy: ({ effect }) => [
      faults.dropsMessage(effect.message),
      faults.duplicatesMessage(effect.message),
      ...[...effect.bindings].flatMap(([at, value]) =>
        value.kind === "literal" && value.value === null ? [] : [faults.altersField(effect.message, at)],
      ),
    ],
  }),

  rule<OncePromise>({
    id: "http-idempotency-key-repeated",
    level: "MUST",
    phase: "examples",
    title: "HTTP: repeats the answer for a repeated idempotency key, without a second effect",
    from: onces,
    async check(context, { http, once }) {
      const scene = await sceneFor(context, http);
      const headers = { [once.key.name]: freshHeader(context, http, once.key.name) };
      const promise = deliveryOf(context, http);
      const client = promise === undefined ? undefined : await receiver(context, promise, scene);
      const first = await succeed(context, http, { ...scene, headers });
      const again = await succeed(context, http, { ...scene, headers });
      if (!equalJson(first.value, again.value)) throw new Violation(`the same answer, ${described(first)}`, described(again));
      if (promise === undefined || client === undefined) return;
      await client.receive(isOf(context, promise, scene));
      await expectNoMore(context, promise, scene, client);
    },
    brokenBy: ({ http, once: { key } }, subject) => {
      const delivered = deliveryOf(subject, http);
      return [
        faults.server("forgets-keys"),
        faults.dropsRequestHeader(key.name),
        ...(delivered === undefined ? [] : [faults.duplicatesMessage(delivered.effect.message)]),
      ];
    },
  }),

  rule<OncePromise>({
    id: "http-idempotency-key-separate",
    level: "MUST",
    phase: "examples",
    title: "HTTP: keeps idempotency keys of other users and other keys apart",
    from: onces,
    async check(context, { http, once }) {
      const scene = await sceneFor(context, http);
      const promise = deliveryOf(context, http);
      if (promise === undefined) throw new NotTestable(`nothing shows whether ${http.operation.id} was done`);
      const client = await receiver(context, promise, scene);
      const keyed = (key: string) => ({ headers: { [once.key.name]: key } });
      const key = freshHeader(context, http, once.key.name);
      const other = { ...scene, user: await userFor(context, http.operation) };
      const requests = [
        { ...scene, ...keyed(key) },
        { ...scene, ...keyed(freshHeader(context, http, once.key.name)) },
        { ...other, ...keyed(key) },
      ];
      for (const request of requests) {
        await succeed(context, http, request);
        await client.receive(isOf(context, promise, request));
      }
    },
    brokenBy: ({ once: { key } }) => [
      faults.server("keys-of-all-users"),
      faults.setsRequestHeader(key.name, "the-same-key-for-all"),
    ],
  }),
];
