// Closes: the server ends a connection only for a declared reason, and where an answer closes, it does.
import { isErrorValue } from "../../spec/contract.ts";
import { checkExpiryClose, checkExpiryOpen } from "./check-expiry.ts";
import type { Judging } from "./judgement.ts";
import { expectOutcome, type World } from "./outcomes.ts";
import { type Act, type Link, NEVER } from "./recording.ts";

export function checkCloses(world: World, judging: Judging) {
  for (const link of world.recording.links.values()) {
    if (link.readyAt > link.closedAt) continue;
    judging.decide("no-unexpected-close");
    if (link.closedAt === NEVER && link.hungUpAt === NEVER) checkExpiryOpen(world, link, judging);
    if (link.closedAt > link.hungUpAt || link.closeCode === undefined) continue;
    checkClose(world, link, link.closeCode, judging);
  }
}

function checkClose(world: World, link: Link, code: number, judging: Judging) {
  const { channel } = world.protocol;
  const declared = channel.closeCodes.find((candidate) => candidate.code === code);
  if (link.acts.some((act) => mayClose(world, act).has(code)) || mayBeLate(world, link, code)) return;
  // The server says that it goes, or that it cannot keep its promises: nothing is proven either way.
  if (declared?.reconnect === "spread" || declared?.reconnect === "rejoin") {
    judging.inconclusive.push(`connection ${link.id} was closed with ${code} ${declared.name}`);
    return;
  }
  if (checkExpiryClose(world, link, code, judging)) return;
  const last = link.acts.at(-1);
  const events = [...(last === undefined ? [] : [last.sentAt]), link.closedAt];
  judging.fail(
    "no-unexpected-close",
    channel.pointer,
    "an open connection: nothing that was sent closes it",
    `close code ${code}`,
    events,
  );
}

/** Whether the code says that a message did not come in time, and it did not. A server's clock starts before ours: half the time is enough. */
export function mayBeLate({ protocol, recording }: World, link: Link, code: number): boolean {
  const atMs = (at: number) => recording.history[at]?.atMs ?? 0;
  return protocol.channel.limits.some(
    (limit) =>
      limit.kind === "first-message" &&
      limit.close === code &&
      atMs(link.closedAt) - atMs(link.openAt) >= limit.value / 2 &&
      !link.acts.some(({ operation, message }) => operation !== undefined && message?.name === limit.message),
  );
}

/** Close codes that the answer to an act may bring. */
export function mayClose(world: World, act: Act): Set<number> {
  const { contract, channel } = world.protocol;
  const codes = new Set<number>();
  const closes = (error: unknown) => {
    const close = contract.errors?.codes.find(({ code }) => code === error)?.close;
    if (close !== undefined) codes.add(close);
    for (const limit of channel.limits)
      if (limit.kind === "errors" && limit.close !== undefined && isErrorValue(error) && limit.errors.includes(error))
        codes.add(limit.close);
  };
  if (act.malformed !== undefined)
    for (const { when, code } of contract.errors?.codes ?? []) if (when === act.malformed) closes(code);
  if (act.operation !== undefined) for (const { requirement } of expectOutcome(world, act).refusals) closes(requirement.else);
  for (const effect of act.operation?.effects ?? []) if (effect.kind === "close") codes.add(effect.code);
  return codes;
}
