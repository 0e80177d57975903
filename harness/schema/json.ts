// JSON values as the generators make them, and what it means for two of them to be equal.

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** The JSON text with members sorted at every depth, so that equal values have equal texts. */
export function canonicalText(value: unknown): string {
  return JSON.stringify(value, (_name, inner: unknown) => {
    if (typeof inner !== "object" || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
  });
}

/** Whether two JSON values are equal, as JSON Schema means it: 1 and 1.0 are, the order of members does not count. */
export function equalJson(a: unknown, b: unknown): boolean {
  return a === b || (typeof a === typeof b && canonicalText(a) === canonicalText(b));
}

/** Keeps the first of equal values. */
export function distinct<Value>(values: readonly Value[]): Value[] {
  const seen = new Set<string>();
  return values.filter((value) => {
    const text = canonicalText(value);
    return !seen.has(text) && seen.add(text) !== undefined;
  });
}

/** JSON that nests deeper is kept as text: a value of this depth is safe for every function that calls itself. */
export const maxDepth = 1_000;

/**
 * The value of a JSON text, of any depth.
 * @returns why it is none, as the end of a sentence that begins with the message
 */
export function parseJson(text: string): { readonly value: Json } | { readonly wrong: string } {
  if (nestsDeeper(text)) return { wrong: `nests deeper than ${maxDepth} levels` };
  try {
    return { value: JSON.parse(text) as Json };
  } catch {
    return { wrong: "is not JSON" };
  }
}

/** Counts brackets outside of strings; of a text that is not JSON the answer means nothing. */
function nestsDeeper(text: string): boolean {
  // Shorter texts have no room for so many brackets, which saves reading them twice.
  if (text.length <= 2 * maxDepth) return false;
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (inString) {
      if (code === 0x5c) at += 1;
      else if (code === 0x22) inString = false;
    } else if (code === 0x22) inString = true;
    else if (code === 0x5b || code === 0x7b) {
      depth += 1;
      if (depth > maxDepth) return true;
    } else if (code === 0x5d || code === 0x7d) depth -= 1;
  }
  return false;
}
