// Regular expressions of a document, run so that none can hang: one that may backtrack without bound gets a time limit.
import vm from "node:vm";

/** Longer than any honest match takes, however loaded the machine is. */
const limitMs = 250;
/** So short a text costs at most some ten thousand steps, whatever the pattern is. */
const harmlessLength = 16;

/** What AJV needs of a regular expression. */
interface Tester {
  test(text: string): boolean;
  toString(): string;
}

/**
 * The engine for AJV's option `code.regExp`. A pattern that cannot backtrack much is an ordinary RegExp; another runs for at most
 * 250 ms and counts as not matching then: a text that takes so long is one on which every way of matching fails.
 */
export const guardedRegExp = Object.assign(
  (pattern: string, flags: string): Tester => {
    const expression = new RegExp(pattern, flags);
    if (!mayBacktrack(pattern)) return expression;
    // AJV keeps one expression for each text that toString gives.
    // A busy machine may take the whole limit from an honest match once, hardly twice.
    const test = (text: string) => testWithin(expression, text) ?? testWithin(expression, text) ?? false;
    return { test, toString: () => String(expression) };
  },
  { code: "new RegExp" },
);

let sandbox: vm.Context | undefined;
let script: vm.Script | undefined;

/** Undefined where the time limit ends the match. */
export function testWithin(expression: RegExp, text: string): boolean | undefined {
  if (text.length <= harmlessLength) return expression.test(text);
  sandbox ??= vm.createContext({ expression, text });
  script ??= new vm.Script("expression.test(text)");
  Object.assign(sandbox, { expression, text });
  try {
    return script.runInContext(sandbox, { timeout: limitMs }) as boolean;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_SCRIPT_EXECUTION_TIMEOUT") return undefined;
    throw error;
  }
}

/** Whether there is more than one way to divide a text among the parts: two repetitions, one of a group, or one that may begin anywhere. */
export function mayBacktrack(pattern: string): boolean {
  const plain = pattern.replaceAll(/\\./gs, "x").replaceAll(/\[(?:[^\]\\]|\\.)*\]/gs, "x");
  const repetitions = [...plain.matchAll(/(.)(?:[*+]|\{(\d+),?(\d*)\})/gs)].filter(
    ([whole, , least, most]) => least === undefined || !whole.includes(",") || most === "" || Number(most) > 64,
  );
  const unbounded = repetitions.filter(([whole, , least]) => least === undefined || whole.includes(","));
  return (
    unbounded.length > 1 || unbounded.some(([, before]) => before === ")") || (unbounded.length === 1 && !plain.startsWith("^"))
  );
}

/** Whether the pattern is a regular expression, in the syntax with the flag u or in the older one. */
export function isRegExp(pattern: string): boolean {
  return ["u", ""].some((flags) => {
    try {
      return new RegExp(pattern, flags).flags === flags;
    } catch {
      return false;
    }
  });
}

/** A text on which a pattern takes longer than the limit, shown short; undefined where none was found. */
export interface SlowText {
  /** `exponential`: some thirty characters do it. `polynomial`: thousands are needed. */
  readonly growth: "exponential" | "polynomial";
  /** Such as `"a" 30 times, then "!"`. */
  readonly text: string;
}

/**
 * Looks for a text that makes the pattern backtrack: repetitions of what the pattern itself is made of, with an end that does not fit.
 * It finds the usual kinds, not every one.
 */
export function findSlowText(pattern: string, flags: string): SlowText | undefined {
  if (!mayBacktrack(pattern)) return undefined;
  let expression: RegExp;
  try {
    expression = new RegExp(pattern, flags);
  } catch {
    return undefined;
  }
  const units = unitsOf(pattern);
  const prefix = literalPrefix(pattern);
  for (const [growth, count] of [
    ["exponential", 32],
    ["polynomial", 30_000],
  ] as const) {
    for (const unit of units) {
      for (const start of new Set(["", prefix])) {
        const text = `${start}${unit.repeat(count)}\u0001!`;
        // A busy machine may lose 250 ms once, hardly twice.
        if (testWithin(expression, text) !== undefined || testWithin(expression, text) !== undefined) continue;
        const before = start === "" ? "" : `${JSON.stringify(start)}, `;
        return { growth, text: `${before}${JSON.stringify(unit)} ${count} times, then something else` };
      }
    }
  }
  return undefined;
}

/** Characters that the pattern is made of, and pairs of them; at most some dozens. */
function unitsOf(pattern: string): string[] {
  const literals = pattern.replaceAll(/\\[bBdDsSwWpP]/g, "").match(/[A-Za-z0-9@._ /:,;=-]/g) ?? [];
  const kinds = [
    ...(/\\w|\\S|a-z|\./.test(pattern) ? ["a"] : []),
    ...(/\\d|0-9/.test(pattern) ? ["0"] : []),
    ...(/\\s/.test(pattern) ? [" "] : []),
    ...(/A-Z/.test(pattern) ? ["A"] : []),
  ];
  const characters = [...new Set([...kinds, ...literals])].slice(0, 10);
  const pairs = characters.flatMap((one) => characters.filter((other) => other !== one).map((other) => one + other));
  return [...characters, ...pairs.slice(0, 30)];
}

/** What every match begins with. */
function literalPrefix(pattern: string): string {
  const found = /^\^((?:[A-Za-z0-9 =:_/-]|\\[./-])*)([*+?{]?)/.exec(pattern);
  const literal = (found?.[1] ?? "").replaceAll("\\", "");
  return found?.[2] === "" ? literal : literal.slice(0, -1);
}
