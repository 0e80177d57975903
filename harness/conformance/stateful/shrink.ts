// A smaller case that still fails: structure first, then the values, always towards fences. Plain data in, plain data out.
import type { StatefulCase, Step } from "./case.ts";

/** Smaller cases, the boldest first. Every one of them is legal. */
export function* smallerCases(plan: StatefulCase): Generator<StatefulCase> {
  const { steps, connections } = plan;
  for (let size = Math.ceil(steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = steps.length - size; from > -size; from -= size) {
      const start = Math.max(0, from);
      yield { connections, steps: [...steps.slice(0, start), ...steps.slice(start + size)] };
    }
  }
  for (let index = connections.length - 1; index >= 0 && connections.length > 1; index--) yield withoutConnection(plan, index);
  for (const [index, connection] of connections.entries()) {
    if (connection.member) yield withConnection(plan, index, { ...connection, member: false });
    if (connection.expires === true) yield withConnection(plan, index, { ...connection, expires: false });
    if (connection.node > 0) yield withConnection(plan, index, { ...connection, node: 0 });
  }
  for (const [index, step] of steps.entries())
    for (const simpler of simplerSteps(step)) yield { connections, steps: steps.with(index, simpler) };
}

function withConnection(plan: StatefulCase, index: number, connection: StatefulCase["connections"][number]): StatefulCase {
  return { ...plan, connections: plan.connections.with(index, connection) };
}

function withoutConnection({ connections, steps }: StatefulCase, index: number): StatefulCase {
  const newIndex = (number: number) => {
    const at = number % connections.length;
    return at > index ? at - 1 : at;
  };
  const kept = steps.filter((step) => step.connection % connections.length !== index);
  const moved = kept.map((step): Step => {
    const connection = newIndex(step.connection);
    return step.do === "send" ? { ...step, connection, to: step.to < 0 ? step.to : newIndex(step.to) } : { ...step, connection };
  });
  return { connections: connections.toSpliced(index, 1), steps: moved };
}

function* simplerSteps(step: Step): Generator<Step> {
  if (step.sync !== "fence") yield { ...step, sync: "fence" };
  if (step.do === "hang-up" && step.how !== "clean") yield { ...step, how: "clean" };
  if (step.do === "wait" && step.until === "close") yield { ...step, until: "expiry" };
  if (step.do !== "send" && step.do !== "call") return;
  if (step.key !== 0) yield { ...step, key: 0 };
  if (step.once !== "no") yield { ...step, once: "no" };
  if (step.do === "call") return;
  if (step.since !== "no") yield { ...step, since: "no" };
  if (step.credential !== "good") yield { ...step, credential: "good" };
}

export interface Shrunk {
  readonly plan: StatefulCase;
  /** How many cases were tried. */
  readonly tried: number;
}

/**
 * Makes the case smaller as long as `failsTwice` says that the smaller one fails in the same way.
 * @param mayGoOn false when the time is up: the smallest found so far is returned
 * @param width how many smaller cases are tried at the same time, for those that take their time; of those that fail the boldest counts
 */
export async function shrink(
  plan: StatefulCase,
  failsTwice: (smaller: StatefulCase) => Promise<boolean>,
  mayGoOn: () => boolean,
  width = 1,
): Promise<Shrunk> {
  let best = plan;
  let tried = 0;
  for (let better = true; better && mayGoOn(); ) {
    better = false;
    for (const group of inGroups(smallerCases(best), width)) {
      if (!mayGoOn()) break;
      tried += group.length;
      const failed = await Promise.all(group.map(failsTwice));
      const boldest = group[failed.indexOf(true)];
      if (boldest === undefined) continue;
      best = boldest;
      better = true;
      break;
    }
  }
  return { plan: best, tried };
}

function* inGroups<T>(all: Iterable<T>, size: number): Generator<T[]> {
  let group: T[] = [];
  for (const one of all) {
    group.push(one);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}
