// The sentence of the document that stands behind a pointer, for a person who reads a failure.
import type { Contract, DocumentPointer } from "../../spec/contract.ts";

/** Members that may say in words what the thing promises, the most telling first. A single word is a keyword, no sentence. */
const telling = ["when", "description", "summary", "title"] as const;

/**
 * What the document says at this pointer: the words of the innermost thing there, else of what holds it.
 * @returns the empty string where no words stand there
 */
export function clauseText(contract: Contract, pointer: DocumentPointer): string {
  let best: { pointer: string; words: string } | undefined;
  const visit = (value: unknown): void => {
    if (value instanceof Map) {
      for (const inner of value.values()) visit(inner);
      return;
    }
    if (typeof value !== "object" || value === null) return;
    const thing = value as Record<string, unknown>;
    const at = thing.pointer;
    if (typeof at === "string" && (pointer === at || pointer.startsWith(`${at}/`)) && at.length > (best?.pointer.length ?? -1)) {
      const words = telling.map((member) => thing[member]).find((one) => typeof one === "string" && /\s/.test(one));
      if (words !== undefined) best = { pointer: at, words: (words as string).trim() };
    }
    for (const inner of Object.values(thing)) visit(inner);
  };
  visit({ ...contract, definitions: undefined });
  return best?.words ?? "";
}
