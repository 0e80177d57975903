// Order without positions: frames that are unique in the run arrive in the order in which one sender sent them.
import { isElsewhere, type Matches } from "./check-deliveries.ts";
import type { ResultCollector } from "./evaluation-result.ts";
import type { Evaluation } from "./outcomes.ts";
import type { Connection, Invocation } from "./trace.ts";

export function checkSenderOrder({ trace, knowledge }: Evaluation, matches: Matches, collector: ResultCollector) {
  for (const receiver of trace.connections.values()) {
    const last = new Map<string, { invocation: Invocation; at: number }>();
    const texts = new Map<string, number>();
    for (const [, met] of matches) if (met.receiver === receiver) texts.set(met.text, (texts.get(met.text) ?? 0) + 1);
    for (const received of receiver.received) {
      const met = matches.get(received);
      // Where there are positions they say it exactly, and a replay may bring old ones again.
      if (
        met?.invocation === undefined ||
        met.stream === undefined ||
        met.stream.order === "none" ||
        met.stream.seq !== undefined
      )
        continue;
      if (texts.get(met.text) !== 1 || isElsewhere(knowledge, received)) continue;
      const name = `${met.stream.name} ${met.streamKey} ${senderOf(met.invocation.connection)}`;
      const before = last.get(name);
      if (before !== undefined) {
        const events = [met.invocation.sentAt, before.invocation.sentAt, before.at, received.at];
        const wanted = "frames of one sender in the order in which it sent them";
        collector.check(
          before.invocation.number < met.invocation.number,
          "order-sender",
          met.stream.pointer,
          wanted,
          "an earlier one after a later one",
          events,
        );
      }
      if (before === undefined || before.invocation.number < met.invocation.number)
        last.set(name, { invocation: met.invocation, at: received.at });
    }
  }
}

const senderOf = (connection: Connection) => connection.id;
