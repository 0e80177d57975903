// Regular expressions of the plainest kind, `^atom{m,n}atom*$`: lengths can be read from them, and members of each class listed.
import { guardedRegExp } from "../../spec/guarded-regexp.ts";

/** One character or class, and how often it may stand there. */
export interface Atom {
  readonly source: string;
  readonly min: number;
  /** Infinity where there is no bound. */
  readonly max: number;
  /** Characters that fit, the plain ones first; code points, never lone surrogates. */
  readonly members: readonly string[];
}

export interface PlainPattern {
  readonly atoms: readonly Atom[];
  /** In code points. */
  readonly minLength: number;
  readonly maxLength: number;
}

const quantifier = /^(?:([*+?])|\{(\d+)(,?)(\d*)\})\??/;
const escaped = /^\\(?:u\{[0-9A-Fa-f]+\}|u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|c[A-Za-z]|[pP]\{[^}]+\}|[dDwWsSnrtfv0]|[^A-Za-z0-9])/;
const characterClass = /^\[(?:\\[\s\S]|[^\]\\])*\]/;
const literal = /^[^\\^$.*+?()[\]{}|]/u;

/** Code points tried as members of a class: what people type first, then what programs stumble over. */
const candidates: readonly string[] = [
  ..."abcxyzABCXYZ0189 -_.,:;/+@!#$%&'\"()*<=>?[\\]^`{|}~",
  ...range(0x00, 0x24f),
  ..."\u03b1\u20ac\u2028\u4e2d\u{fffd}\u{1f600}\u{1f469}\u{10ffff}",
].filter((character, index, all) => all.indexOf(character) === index);

/** Characters to look for one that a pattern rejects. */
export const probeCharacters = candidates;

function range(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => String.fromCodePoint(from + index));
}

/** Compiles as the validator does: by code points, or without `u` where a foreign document's pattern cannot be read so. */
export function compilePattern(source: string): ReturnType<typeof guardedRegExp> {
  try {
    return guardedRegExp(source, "u");
  } catch {
    return guardedRegExp(source, "");
  }
}

/** The same as a RegExp, to generate texts from. */
export function regExpOf(source: string): RegExp {
  try {
    return new RegExp(source, "u");
  } catch {
    return new RegExp(source);
  }
}

/** The product of the least counts of a pattern's repetitions: a text has at most so many characters for each of its atoms. */
export function repetitionsOf(source: string): number {
  return [...source.matchAll(/\{(\d+)/g)].reduce((product, [, count]) => product * Math.max(1, Number(count)), 1);
}

/** @returns undefined where the pattern is not of the plain kind: not anchored, or with groups, alternatives, assertions */
export function parsePlainPattern(source: string): PlainPattern | undefined {
  if (!source.startsWith("^") || !source.endsWith("$")) return undefined;
  const atoms: Atom[] = [];
  let rest = source.slice(1, -1);
  while (rest !== "") {
    const atom = (escaped.exec(rest) ?? characterClass.exec(rest) ?? /^\./.exec(rest) ?? literal.exec(rest))?.[0];
    if (atom === undefined) return undefined;
    rest = rest.slice(atom.length);
    const [text, sign, from, comma, to] = quantifier.exec(rest) ?? [""];
    rest = rest.slice(text.length);
    const { min, max } = repetitions(sign, from, comma, to);
    const members = membersOf(atom);
    if (members.length === 0) return undefined;
    atoms.push({ source: atom, min, max, members });
  }
  const sum = (lengths: number[]) => lengths.reduce((total, length) => total + length, 0);
  return { atoms, minLength: sum(atoms.map((atom) => atom.min)), maxLength: sum(atoms.map((atom) => atom.max)) };
}

function repetitions(sign?: string, from?: string, comma?: string, to?: string): { min: number; max: number } {
  if (sign !== undefined) return { min: sign === "+" ? 1 : 0, max: sign === "?" ? 1 : Number.POSITIVE_INFINITY };
  if (from === undefined) return { min: 1, max: 1 };
  const min = Number(from);
  if (comma === "") return { min, max: min };
  return { min, max: to === "" ? Number.POSITIVE_INFINITY : Number(to) };
}

function membersOf(atom: string): string[] {
  const fits = compilePattern(`^(?:${atom})$`);
  return candidates.filter((character) => fits.test(character));
}

/**
 * A string of exactly `length` code points that matches the pattern.
 * @param pick chooses among the members of an atom; default the first
 * @returns undefined where there is none
 */
export function ofLength(
  pattern: PlainPattern,
  length: number,
  pick: (members: readonly string[]) => string = (members) => members[0]!,
): string | undefined {
  if (length < pattern.minLength || length > pattern.maxLength) return undefined;
  let spare = length - pattern.minLength;
  return pattern.atoms
    .map((atom) => {
      const more = Math.min(spare, atom.max - atom.min);
      spare -= more;
      return pick(atom.members).repeat(atom.min + more);
    })
    .join("");
}
