// Frames that are no message at all: each gets the error that the document gives to its kind; where it is silent, the connection lives on.

import type { ErrorCode } from "../../../../spec/contract.ts";
import type { ContractUnderTest } from "../../../client/context.ts";
import { dataOf } from "../../../schema/contract-data.ts";
import { NotTestable, Violation } from "../../../schema/errors.ts";
import type { Malformed, MalformedFrame } from "../../../schema/malformed-frames.ts";
import { answerTo, describeAnswer, expectRefused } from "../../answer.ts";
import type { Context } from "../../context.ts";
import { faults } from "../../faults/fault.ts";
import { type Clause, type Rule, rule } from "../../rule.ts";
import { errorsFor, isReadable, maxBytes } from "../client-messages.ts";

export interface HostilePromise extends Clause {
  readonly frame: MalformedFrame;
  readonly codes: readonly ErrorCode[];
}

/** The errors for a frame: a document without an error for unknown types counts them as what is not in its schema. */
export function codesFor(subject: Pick<ContractUnderTest, "contract">, outcomes: readonly Malformed[]): ErrorCode[] {
  const codes = errorsFor(subject, outcomes);
  return codes.length === 0 && outcomes.includes("unknown-type") ? errorsFor(subject, ["not-in-schema"]) : codes;
}

/** The errors for a frame; none where it may be of a kind for which the document has no error, so that the server may do what it likes. */
function specified(subject: Pick<ContractUnderTest, "contract">, { outcomes }: MalformedFrame): ErrorCode[] {
  return outcomes.every((one) => codesFor(subject, [one]).length > 0) ? codesFor(subject, outcomes) : [];
}

/** Hostile frames of one kind, for which the document has an error. */
function framesOf(...outcomes: readonly Malformed[]): (subject: ContractUnderTest) => readonly HostilePromise[] {
  return (subject) =>
    dataOf(subject.contract)
      .malformed(subject.channel)
      .filter((frame) => frame.outcomes.length === outcomes.length && outcomes.every((one) => frame.outcomes.includes(one)))
      .map((frame) => ({ frame, codes: specified(subject, frame) }))
      .filter(({ codes }) => codes.length > 0)
      .map((promise) => ({
        ...promise,
        pointer: promise.codes[0]!.pointer,
        text: `${promise.codes[0]!.description} (${promise.frame.label})`,
      }));
}

/**
 * The frame's text, with a fresh id, as small as the target asks.
 * @throws NotTestable where it cannot be small enough: the target would refuse its size
 */
export function textOf(context: Context, frame: MalformedFrame): string {
  const text = frame.text(context.id(), maxBytes(context));
  if (isReadable(context, text)) return text;
  throw new NotTestable(`a frame with ${frame.label} is over the ${maxBytes(context)} bytes that the target reads`);
}

function silent(subject: ContractUnderTest): readonly HostilePromise[] {
  return dataOf(subject.contract)
    .malformed(subject.channel)
    .filter((frame) => specified(subject, frame).length === 0)
    .map((frame) => ({
      pointer: subject.channel.pointer,
      text: `No client frame ends the server (${frame.label}).`,
      frame,
      codes: [],
    }));
}

function refuses(id: string, title: string, ...outcomes: readonly Malformed[]): Rule {
  return rule<HostilePromise>({
    id,
    level: "MUST",
    phase: "invalid",
    title,
    from: framesOf(...outcomes),
    async check(context, { frame, codes }) {
      const testClient = await context.dial();
      const answer = await answerTo(context, testClient, textOf(context, frame));
      expectRefused(answer, codes, `a frame with ${frame.label}`);
    },
    brokenBy: () => [faults.acceptsInvalid("any"), faults.ignoresInvalid("any")],
  });
}

/** A code that the document does not declare. */
export function undeclaredCode({ channel }: Pick<ContractUnderTest, "channel">): number {
  let code = 4999;
  while (channel.closeCodes.some((declared) => declared.code === code)) code--;
  return code;
}

export const hostileRules: readonly Rule[] = [
  refuses("invalid-not-json", "rejects text that is not JSON, with the declared error", "not-json"),
  refuses("invalid-not-a-message", "rejects JSON that is not a message, with the declared error", "not-in-schema"),
  refuses("invalid-unknown-type", "rejects a message of an unknown type, with the declared error", "unknown-type"),
  refuses(
    "invalid-type-missing",
    "rejects a message without a usable type, with a declared error",
    "unknown-type",
    "not-in-schema",
  ),
  refuses("invalid-beyond-json", "rejects JSON that exceeds parser limits, with a declared error", "not-json", "not-in-schema"),

  rule<HostilePromise>({
    id: "invalid-unspecified-handled",
    level: "MUST",
    phase: "invalid",
    title: "handles unspecified frames: stays open or closes with a declared code",
    from: silent,
    async check(context, { frame }) {
      const testClient = await context.dial();
      const answer = await answerTo(context, testClient, textOf(context, frame));
      context.judged();
      const declared = context.channel.closeCodes.map(({ code }) => code);
      if (answer.kind === "closed" && declared.length > 0 && !declared.includes(answer.code)) {
        throw new Violation(
          `the connection to stay open after ${frame.label}, or to end with a declared code`,
          describeAnswer(answer),
        );
      }
    },
    brokenBy: ({ frame }, subject) => {
      const code = undeclaredCode(subject);
      const name = subject.contract.operations.find(({ id }) => id === subject.channel.delivery?.fence)?.messages[0];
      const isWellFormed = name !== undefined && parses(frame.text("a"));
      return isWellFormed ? faults.closesInsteadOf(name, code) : faults.closesOnInvalid(code);
    },
  }),
];

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
