// Regular expressions of a document, which may backtrack without end: those that may run under a time limit.
import vm from "node:vm";

/** How long one match of such a pattern may take. */
const maxMatchMs = 100;
/** On shorter texts every pattern ends soon enough. */
const shortText = 16;

const script = new vm.Script("expression.test(text)");
const sandbox: { expression: RegExp | undefined; text: string } = { expression: undefined, text: "" };
const context = vm.createContext(sandbox);

/** A text that a pattern could not be matched against in time counts as one that does not match. */
export interface Matcher {
  test(text: string): boolean;
  toString(): string;
}

/**
 * @param flags such as `u`
 * @throws SyntaxError
 */
export function createMatcher(source: string, flags: string): Matcher {
  const expression = new RegExp(source, flags);
  if (!mayBacktrack(source)) return expression;
  return {
    test: (text) => (text.length <= shortText ? expression.test(text) : matches(expression, text)),
    toString: () => expression.toString(),
  };
}

function matches(expression: RegExp, text: string): boolean {
  sandbox.expression = expression;
  sandbox.text = text;
  try {
    return script.runInContext(context, { timeout: maxMatchMs }) as boolean;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_SCRIPT_EXECUTION_TIMEOUT") return false;
    throw error;
  }
}

/** Whether the pattern has two repetitions without a bound, or repeats a group that has choices or repetitions in it. Errs on the safe side. */
export function mayBacktrack(source: string): boolean {
  const plain = source.replaceAll(/\\[\s\S]/g, "e").replaceAll(/\[[^\]]*\]/g, "c");
  const endless = plain.match(/[*+]|\{\d+,\}/g) ?? [];
  if (endless.length > 1) return true;
  // From the innermost group outwards; a group that may be dangerous where it is repeated becomes R, another one g.
  let rest = plain;
  for (let before = ""; before !== rest; ) {
    before = rest;
    rest = rest.replace(/\((?:\?[:=!]|\?<[=!]|\?<[^>]*>)?([^()]*)\)/, (_whole, body: string) =>
      /[*+?|{]|R/.test(body) ? "R" : "g",
    );
    if (/R(?:[*+]|\{\d+,)/.test(rest)) return true;
  }
  return false;
}
