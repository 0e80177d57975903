// What an operation over HTTP refuses: bad credentials, missing claims, and what is not its message; with the status and the body declared.

import type { ErrorCode, Message, Requirement } from "../../../../spec/contract.ts";
import { join } from "../../../../spec/pointer.ts";
import type { ContractUnderTest } from "../../../client/context.ts";
import type { CredentialOptions } from "../../../client/credentials.ts";
import { userFor } from "../../../client/preconditions.ts";
import { dataOf } from "../../../schema/contract-data.ts";
import { NotTestable, Violation } from "../../../schema/errors.ts";
import type { KeywordConstraint } from "../../../schema/invalid.ts";
import { shortened } from "../../answer.ts";
import type { Context } from "../../context.ts";
import { faults } from "../../faults/fault.ts";
import { type Rule, rule } from "../../rule.ts";
import { errorsFor, isReadable, maxBytes } from "../client-messages.ts";
import { describeConstraint, mutationsWithin } from "../invalid/mutations.ts";
import {
  errorsOf,
  exchange,
  expectHttpRefused,
  type HttpOperation,
  type HttpPromise,
  type HttpRequest,
  headerSchema,
  httpOperations,
  withStatus,
  wrongWith,
} from "./exchange.ts";

interface RefusedPromise extends HttpPromise {
  readonly codes: readonly ErrorCode[];
}

type CredentialRequirement = Extract<Requirement, { kind: "credential" }>;
type ClaimRequirement = Extract<Requirement, { kind: "claim" }>;

interface CredentialPromise extends RefusedPromise {
  readonly defect: string;
  /** undefined: no credential at all. */
  readonly options: Omit<CredentialOptions, "claims"> | undefined;
}

const defects: readonly (readonly [string, CredentialPromise["options"]])[] = [
  ["no credential", undefined],
  ["a credential that is signed with another key", { forged: "other-key" }],
  ["a credential that was changed after it was signed", { forged: "altered" }],
  ["an expired credential", { lifetimeSeconds: -60 }],
];

function credentials(subject: ContractUnderTest): readonly CredentialPromise[] {
  return httpOperations(subject).flatMap((http) =>
    http.operation.requires
      .filter((one): one is CredentialRequirement => one.kind === "credential" && one.value.kind === "header")
      .filter(({ same, lacks }) => same === undefined && lacks === undefined)
      .flatMap((requirement) => {
        const codes = errorsOf(subject, requirement.else);
        return codes.length === 0
          ? []
          : defects.map(([defect, options]) => ({
              pointer: requirement.pointer,
              text: `\`${http.operation.id}\` needs a good credential (${defect}).`,
              http,
              codes,
              defect,
              options,
            }));
      }),
  );
}

interface ClaimPromise extends RefusedPromise {
  readonly requirement: ClaimRequirement;
}

function claims(subject: ContractUnderTest): readonly ClaimPromise[] {
  return httpOperations(subject).flatMap((http) =>
    http.operation.requires
      .filter((one): one is ClaimRequirement => one.kind === "claim")
      .map((requirement) => ({ pointer: requirement.pointer, http, codes: errorsOf(subject, requirement.else), requirement }))
      .filter(({ codes }) => codes.length > 0),
  );
}

/** The operations, where the document has a status for what is malformed in this way. */
function refusing(when: "not-json" | "not-in-schema"): (subject: ContractUnderTest) => readonly RefusedPromise[] {
  return (subject) => {
    const codes = withStatus(errorsFor(subject, [when]));
    return codes.length === 0 ? [] : httpOperations(subject).map((http) => ({ pointer: codes[0]!.pointer, http, codes }));
  };
}

interface KeywordPromise extends RefusedPromise {
  readonly constraint: KeywordConstraint;
}

function keywords(subject: ContractUnderTest): readonly KeywordPromise[] {
  return refusing("not-in-schema")(subject).flatMap((promise) =>
    dataOf(subject.contract)
      .of(promise.http.message)
      .mutations.map(({ constraint }) => ({
        ...promise,
        pointer: constraint.pointer,
        text: describeConstraint(promise.http, constraint),
        constraint,
      })),
  );
}

interface HeaderPromise extends RefusedPromise {
  readonly name: string;
  readonly values: readonly string[];
}

/** Header names of the request that have a schema which some text breaks, those of the credential apart. */
function headers(subject: ContractUnderTest): readonly HeaderPromise[] {
  return refusing("not-in-schema")(subject).flatMap((promise) => {
    const { message } = promise.http;
    const properties = typeof message.headers === "object" ? Object.keys((message.headers.properties ?? {}) as object) : [];
    return properties.flatMap((name) => {
      const isValid = dataOf(subject.contract).validator.compile(headerSchema(message, name));
      const values = ["x", "x".repeat(4_000), "a b"].filter((text) => !isValid(text));
      const pointer = join(message.pointer, "headers", "properties", name);
      return values.length === 0 ? [] : [{ ...promise, pointer, text: `The header ${name} has a schema.`, name, values }];
    });
  });
}

interface ShapePromise extends HttpPromise {
  readonly message: Message;
}

function shapes(subject: ContractUnderTest): readonly ShapePromise[] {
  return httpOperations(subject).flatMap((http) =>
    http.refusals.length === 1 ? [{ pointer: http.refusals[0]!.pointer, http, message: http.refusals[0]! }] : [],
  );
}

/** Requests that are refused for all that we know of, each with its name. */
async function* bad(context: Context, http: HttpOperation): AsyncGenerator<readonly [string, HttpRequest]> {
  const { operation, message } = http;
  if (operation.requires.some(({ kind }) => kind === "credential")) yield ["no credential", { credential: null }];
  if (operation.requires.some(({ kind }) => kind === "claim")) yield ["no claim", { user: await context.user() }];
  yield ["what is not JSON", { text: "{" }];
  const { mutations } = dataOf(context.contract).of(message);
  for (const { value } of mutations)
    if (isReadable(context, JSON.stringify(value))) yield ["what is not in the schema", { body: value }];
}

/** The status of the first of the errors that a shape is seen in. */
function firstStatus(subject: ContractUnderTest, { operation }: HttpOperation): number {
  const required = operation.requires.flatMap((one) => errorsOf(subject, one.else));
  return [...required, ...withStatus(errorsFor(subject, ["not-json", "not-in-schema"]))][0]?.http ?? 400;
}

const acceptedStatus = ({ success }: HttpOperation) => success?.httpStatus ?? 200;

export const httpRefusalRules: readonly Rule[] = [
  rule<CredentialPromise>({
    id: "http-credential-rejected",
    level: "MUST",
    phase: "examples",
    title: "rejects an HTTP request without a valid credential, with the declared status",
    from: credentials,
    async check(context, { http, codes, defect, options }) {
      const request = options === undefined ? { credential: null } : { user: await userFor(context, http.operation, options) };
      expectHttpRefused(context, http, await exchange(context, http, request), codes, `\`${http.operation.id}\` with ${defect}`);
    },
    brokenBy: ({ http, codes }) => [
      faults.changesStatus(codes[0]!.http!, acceptedStatus(http)),
      faults.changesStatus(codes[0]!.http!, 500),
    ],
  }),

  rule<ClaimPromise>({
    id: "http-claim-rejected",
    level: "MUST",
    phase: "examples",
    title: "rejects HTTP requests lacking a required claim, with the declared status",
    from: claims,
    async check(context, { http, codes, requirement }) {
      const { claim, contains } = requirement;
      const what = `\`${http.operation.id}\` without ${String(contains)} in ${claim}`;
      const answer = await exchange(context, http, { user: await context.user() });
      expectHttpRefused(context, http, answer, codes, what);
      // Where no credential is required for itself, who has none lacks the claim as well.
      if (http.operation.requires.some(({ kind }) => kind === "credential")) return;
      expectHttpRefused(
        context,
        http,
        await exchange(context, http, { credential: null }),
        codes,
        `${what}, because no credential is given`,
      );
    },
    brokenBy: ({ http, codes }) => faults.changesStatus(codes[0]!.http!, acceptedStatus(http)),
  }),

  rule<ShapePromise>({
    id: "http-rejection-body",
    level: "MUST",
    phase: "examples",
    title: "HTTP rejections have the declared body",
    from: shapes,
    async check(context, { http, message }) {
      for await (const [what, request] of bad(context, http)) {
        const answer = await exchange(context, http, request);
        const [wrong] = wrongWith(context, message, answer);
        if (wrong !== undefined)
          throw new Violation(
            `the message ${message.name} for ${what}`,
            `${answer.status}, a body that ${wrong}: ${shortened(answer.text)}`,
          );
      }
    },
    brokenBy: ({ http }, subject) => [
      faults.changesBody(firstStatus(subject, http), "{}"),
      faults.changesBody(firstStatus(subject, http), "refused"),
      faults.addsHeader("Content-Type", "text/html", firstStatus(subject, http)),
    ],
  }),

  rule<RefusedPromise>({
    id: "http-not-json-rejected",
    level: "MUST",
    phase: "invalid",
    title: "rejects an HTTP body that is not JSON, with the declared status",
    from: refusing("not-json"),
    async check(context, { http, codes }) {
      const frames = dataOf(context.contract)
        .malformed(context.channel)
        .filter(({ outcomes }) => outcomes.length === 1 && outcomes[0] === "not-json");
      for (const frame of frames) {
        const text = frame.text(context.id(), maxBytes(context));
        // An empty body is none.
        if (text === "" || !isReadable(context, text)) continue;
        expectHttpRefused(context, http, await exchange(context, http, { text }), codes, `a body with ${frame.label}`);
      }
    },
    brokenBy: ({ http, codes }) => faults.changesStatus(codes[0]!.http!, acceptedStatus(http)),
  }),

  rule<KeywordPromise>({
    id: "http-keyword-rejected",
    level: "MUST",
    phase: "invalid",
    title: "rejects an HTTP body that violates one schema keyword, with the declared status",
    from: keywords,
    async check(context, { http, codes, constraint }) {
      const { mutator, samples } = dataOf(context.contract).of(http.message);
      const { made } = mutationsWithin(context, mutator.mutateAll(constraint, samples.all[0]!));
      const readable = made.filter(({ value }) => isReadable(context, JSON.stringify(value)));
      if (readable.length === 0)
        throw new NotTestable(`what breaks ${constraint.pointer} is over the ${maxBytes(context)} bytes that the target reads`);
      for (const { kind, value } of readable) {
        const answer = await exchange(context, http, { text: JSON.stringify(value) });
        const what = `\`${http.message.name}\` that breaks ${constraint.keyword} (${kind}) at ${constraint.location || "the body"}`;
        expectHttpRefused(context, http, answer, codes, what);
      }
    },
    brokenBy: ({ http, codes }) => faults.changesStatus(codes[0]!.http!, acceptedStatus(http)),
  }),

  rule<HeaderPromise>({
    id: "http-header-rejected",
    level: "MUST",
    phase: "invalid",
    title: "rejects an HTTP header that violates its schema, with the declared status",
    from: headers,
    async check(context, { http, codes, name, values }) {
      for (const value of values) {
        const answer = await exchange(context, http, { headers: { [name]: value } });
        expectHttpRefused(context, http, answer, codes, `the header ${name}: ${shortened(value)}`);
      }
    },
    brokenBy: ({ http, codes }) => faults.changesStatus(codes[0]!.http!, acceptedStatus(http)),
  }),
];
