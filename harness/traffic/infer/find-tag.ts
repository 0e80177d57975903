// Which member tells the messages of one direction apart: the one whose value explains best what else a frame holds.
import { scalarsOf, typeOf } from "./shape.ts";

export interface FoundTag {
  readonly pointer: string;
  /** Frames that have it. */
  readonly frames: number;
}

const usual = /^(type|event|action|op|kind|method|cmd|command|msgtype|messagetype|message_type|event_type|eventtype|t|e|msg)$/i;
const maxTags = 200;
const depth = 3;

/**
 * @param least share of the frames that must have it
 * @param explains how much of the rest of a frame a member of an unusual name must tell, 0 to 1
 * @returns undefined where no member decides
 */
export function findTag(frames: readonly unknown[], least: number, explains = 0.4): FoundTag | undefined {
  const shapes = frames.map(outlineOf);
  const candidates = new Map<string, Map<string | number | boolean, number[]>>();
  for (const [index, frame] of frames.entries())
    for (const [pointer, value] of scalarsOf(frame, depth)) {
      if (typeof value === "number" && !(Number.isInteger(value) && Math.abs(value) < 100_000)) continue;
      const values = candidates.get(pointer) ?? new Map<string | number | boolean, number[]>();
      candidates.set(pointer, values);
      const members = values.get(value);
      if (members !== undefined) members.push(index);
      else if (values.size <= maxTags) values.set(value, [index]);
    }
  const whole = entropyOf(countsOf(shapes));
  let best: (FoundTag & { readonly score: number }) | undefined;
  for (const [pointer, values] of candidates) {
    const found = [...values.values()].reduce((sum, { length }) => sum + length, 0);
    const isUsual = usual.test(pointer.slice(pointer.lastIndexOf("/") + 1));
    if (values.size > maxTags || found < frames.length * least || (values.size > found / 2 && !(isUsual && found < 20))) continue;
    if (isUsual && [...values.keys()].some((value) => typeof value === "string" && !/^[\w.:/$@#-]{1,64}$/.test(value))) continue;
    const absent = frames.length - found;
    const groups = [...values.values()].map((indexes) => indexes.map((index) => shapes[index]!));
    const withIt = new Set([...values.values()].flat());
    if (absent > 0) groups.push(shapes.filter((_, index) => !withIt.has(index)));
    const within = groups.reduce((sum, group) => sum + (group.length / frames.length) * entropyOf(countsOf(group)), 0);
    const own = entropyOf(groups.map(({ length }) => length));
    const explained = whole + own === 0 ? 0 : (2 * (whole - within)) / (whole + own);
    if (!isUsual && (explained < explains || values.size < 2)) continue;
    const level = pointer.split("/").length - 1;
    const score = (explained + (isUsual ? 0.5 : 0)) * 0.85 ** level;
    if (best === undefined || score > best.score) best = { pointer, frames: found, score };
  }
  return best === undefined ? undefined : { pointer: best.pointer, frames: best.frames };
}

/** Names and types of members, two levels deep. */
function outlineOf(frame: unknown): string {
  const type = typeOf(frame);
  if (type !== "object" && type !== "array") return type;
  return Object.entries(frame as object)
    .slice(0, 50)
    .map(([name, value]) => {
      const inner =
        typeOf(value) === "object"
          ? Object.keys(value as object)
              .slice(0, 20)
              .sort()
              .join()
          : "";
      return `${name}:${typeOf(value).replace("integer", "number")}${inner}`;
    })
    .sort()
    .join(" ");
}

function countsOf(values: readonly string[]): number[] {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts.values()];
}

function entropyOf(counts: readonly number[]): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.reduce((sum, count) => (count === 0 ? sum : sum - (count / total) * Math.log2(count / total)), 0);
}
