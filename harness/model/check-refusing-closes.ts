// Errors that are told by close codes alone: what must be refused closes the connection with the code of its error, before a later fence is answered.
import type { DocumentPointer, ErrorCode } from "../../spec/contract.ts";
import { mayBeLate, mayClose } from "./check-closes.ts";
import type { Judging } from "./judgement.ts";
import { expectOutcome, type World } from "./outcomes.ts";
import type { Act, Link } from "./recording.ts";

export function checkRefusingCloses(world: World, judging: Judging) {
  const { errors } = world.protocol.contract;
  if (errors === undefined || errors.reply.message !== undefined) return;
  for (const link of world.recording.links.values()) {
    // The first refusal ends the connection: what was sent after it is moot.
    for (const act of link.acts) {
      const due = dueFor(world, act);
      if (due === undefined) continue;
      checkDue(world, link, act, due, judging);
      break;
    }
  }
}

interface Due {
  readonly rule: string;
  readonly pointer: DocumentPointer;
  readonly errors: readonly (ErrorCode & { readonly close: number })[];
}

/** The errors of which one is certain for this act; undefined where it may pass. */
function dueFor(world: World, act: Act): Due | undefined {
  const codes = world.protocol.contract.errors?.codes ?? [];
  const closing = (wanted: readonly (ErrorCode | undefined)[]) =>
    wanted.flatMap((code) => (code?.close === undefined ? [] : [{ ...code, close: code.close }]));
  if (act.malformed !== undefined) {
    const errors = closing([codes.find(({ when }) => when === act.malformed)]);
    return errors[0] === undefined ? undefined : { rule: "malformed-is-refused", pointer: errors[0].pointer, errors };
  }
  if (act.operation === undefined) return undefined;
  const { mayPass, refusals } = expectOutcome(world, act);
  const last = refusals.at(-1);
  if (mayPass || last === undefined) return undefined;
  const errors = closing(refusals.map(({ requirement }) => codes.find(({ code }) => code === requirement.else)));
  const { pointer } = last.requirement;
  return errors.length < refusals.length ? undefined : { rule: "requirement-is-enforced", pointer, errors };
}

function checkDue(world: World, link: Link, act: Act, { rule, pointer, errors }: Due, judging: Judging) {
  const wanted = errors.map(({ code, close }) => `close ${close} for ${code}`).join(" or ");
  const later = link.fences.find(({ sentAt }) => sentAt > act.sentAt);
  if (later !== undefined) {
    if (act.malformed !== undefined) return; // judged with the replies
    const events = [act.sentAt, later.sentAt, later.answeredAt];
    judging.check(false, rule, pointer, wanted, "the reply to a later fence", events);
    return;
  }
  const code = link.closeCode;
  if (code === undefined || link.closedAt > link.hungUpAt) return;
  // Something that was sent before may have closed it first.
  const before = link.acts.slice(0, link.acts.indexOf(act));
  if (before.some((earlier) => mayClose(world, earlier).has(code)) || mayBeLate(world, link, code)) return;
  const reconnect = world.protocol.channel.closeCodes.find((declared) => declared.code === code)?.reconnect;
  if (reconnect === "spread" || reconnect === "rejoin") return;
  const found = errors.find(({ close }) => close === code);
  // What is never answered may have been dealt with late, and the close may be its consequence: that is judged as a close.
  if (found === undefined && before.some(({ operation, reply }) => operation !== undefined && reply === undefined)) return;
  const events = [act.sentAt, link.closedAt];
  judging.check(found !== undefined, rule, pointer, wanted, `close ${code}`, events);
  if (rule === "requirement-is-enforced") judging.decide("error-by-first-failed-requirement");
  if (found === undefined) return;
  judging.cover(pointer);
  judging.cover(found.pointer);
}
