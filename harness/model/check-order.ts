// Order without positions: frames that are unique in the run arrive in the order in which one sender sent them.
import type { Matches } from "./check-deliveries.ts";
import type { Judging } from "./judgement.ts";
import type { World } from "./outcomes.ts";
import type { Act, Link } from "./recording.ts";

export function checkSenderOrder({ recording }: World, matches: Matches, judging: Judging) {
  for (const receiver of recording.links.values()) {
    const last = new Map<string, { act: Act; at: number }>();
    const texts = new Map<string, number>();
    for (const [, met] of matches) if (met.receiver === receiver) texts.set(met.text, (texts.get(met.text) ?? 0) + 1);
    for (const received of receiver.received) {
      const met = matches.get(received);
      // Where there are positions they say it exactly, and a replay may bring old ones again.
      if (met?.act === undefined || met.stream === undefined || met.stream.order === "none" || met.stream.seq !== undefined)
        continue;
      if (texts.get(met.text) !== 1) continue;
      const name = `${met.stream.name} ${met.streamKey} ${senderOf(met.act.link)}`;
      const before = last.get(name);
      if (before !== undefined) {
        const events = [met.act.sentAt, before.act.sentAt, before.at, received.at];
        const wanted = "frames of one sender in the order in which it sent them";
        judging.check(
          before.act.number < met.act.number,
          "order-sender",
          met.stream.pointer,
          wanted,
          "an earlier one after a later one",
          events,
        );
      }
      if (before === undefined || before.act.number < met.act.number) last.set(name, { act: met.act, at: received.at });
    }
  }
}

const senderOf = (link: Link) => link.id;
