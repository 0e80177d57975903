// Frames as text: the canonical text by which two are compared, and the short one that a person reads.

/** JSON text with members sorted at every depth; `undefined` has a text of its own, so that absent differs from null. */
export function canonical(value: unknown): string {
  if (value === undefined) return "absent";
  if (typeof value === "number" && Number.isFinite(value)) return `${value}`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  const members = Object.entries(value as Record<string, unknown>)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(",")}}`;
}

/** A value as a person reads it in a finding, at most `maxLength` UTF-16 units. */
export function shown(value: unknown, maxLength = 200): string {
  const text = canonical(value);
  return text.length <= maxLength ? text : `${text.slice(0, maxLength - 3)}...`;
}
