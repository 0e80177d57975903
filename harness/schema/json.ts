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
