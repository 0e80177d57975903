// x- keys for a document that one does not own: a file merged over it by JSON Merge Patch (RFC 7396).
import type { DocumentPointer, Finding } from "./contract.ts";
import { join } from "./pointer.ts";
import { isRecord, member } from "./raw.ts";
import { at, type Origin, type SourceTree } from "./source-tree.ts";

/**
 * Objects are merged member by member, null removes a member, anything else takes the place of what was there.
 * What comes from the overlay is located in its file.
 * @returns the merged tree, and a finding for each channel, operation or message of the overlay that the document does not have
 */
export function withOverlay(base: SourceTree, overlay: SourceTree): { tree: SourceTree; findings: Finding[] } {
  const origins = new Map(base.origins);
  const place = (pointer: DocumentPointer) => {
    const origin: Origin | undefined = overlay.origins.get(pointer);
    if (origin !== undefined) origins.set(pointer, origin);
  };
  const placeAll = (value: unknown, pointer: DocumentPointer) => {
    place(pointer);
    if (typeof value !== "object" || value === null) return;
    for (const [key, child] of Object.entries(value)) placeAll(child, join(pointer, key));
  };
  const merge = (target: unknown, patch: unknown, pointer: DocumentPointer): unknown => {
    if (!isRecord(patch) || !isRecord(target)) {
      placeAll(patch, pointer);
      return withoutNulls(patch);
    }
    const merged = new Map(Object.entries(target));
    for (const [key, value] of Object.entries(patch)) {
      if (value === null) merged.delete(key);
      else merged.set(key, merge(merged.get(key), value, join(pointer, key)));
    }
    return Object.fromEntries(merged);
  };
  const tree: SourceTree = { ...base, root: merge(base.root, overlay.root, "#"), origins };
  return { tree, findings: strangers(base, overlay, tree) };
}

/** RFC 7396: what is new has its nulls removed, but not within arrays. */
function withoutNulls(patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  return Object.fromEntries(
    Object.entries(patch)
      .filter(([, value]) => value !== null)
      .map(([key, value]) => [key, withoutNulls(value)]),
  );
}

function strangers(base: SourceTree, overlay: SourceTree, merged: SourceTree): Finding[] {
  return ["channels", "operations"].flatMap((group) => {
    const named = member(overlay.root, group);
    const known = member(base.root, group);
    return Object.keys(isRecord(named) ? named : {}).flatMap((key) => {
      if (isRecord(known) && Object.hasOwn(known, key)) return [];
      return [
        at(merged, join("#", group, key), {
          severity: "error",
          id: "overlay-target-unknown",
          expected: `a key under ${group} of ${base.file}: ${isRecord(known) ? Object.keys(known).join(", ") : "it has none"}`,
          actual: key,
          fix: "correct the key; an overlay adds to what is there",
        }),
      ];
    });
  });
}
