// Whether two JSON values are the same. AJV's own comparison calls the `toString` and `valueOf` of a value, which JSON may have as members.

export function jsonEqual(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const [mine, theirs] = [one, other] as readonly Readonly<Record<string, unknown>>[];
  const names = Object.keys(mine!);
  if (names.length !== Object.keys(theirs!).length) return false;
  return names.every((name) => Object.hasOwn(theirs!, name) && jsonEqual(mine![name], theirs![name]));
}
