// Which messages carry errors, where their code stands, and which codes there are for what.
import { placesOf, shapeAt } from "./emit-schema.ts";
import type { Kind } from "./kind.ts";
import type { Shape } from "./shape.ts";

export type Code = string | number | boolean;

export interface InferredCode {
  readonly code: Code;
  readonly when: "not-json" | "unknown-type" | "required";
  readonly seen: number;
}

export interface InferredErrors {
  readonly replies: readonly { readonly kind: Kind; readonly pointer: string }[];
  readonly codes: readonly InferredCode[];
  /** Codes that refused a message that at other times was taken. */
  readonly codesOf: (request: Kind) => ReadonlyMap<Code, number>;
}

/** Names of the member with the code, the best first. */
const names = [/^code$/i, /^(error_?code|err_?code|errno)$/i, /^(reason|error|err|status|name|type)$/i];
const depth = 3;

export function findErrors(
  kinds: readonly Kind[],
  refusedKinds: readonly Kind[],
  notJson: ReadonlyMap<Kind, Shape>,
): InferredErrors | undefined {
  const replies = kinds
    .filter(({ isError }) => isError)
    .flatMap((kind) => {
      const pointer = codePointer(kind);
      return pointer === undefined ? [] : [{ kind, pointer }];
    });
  if (replies.length === 0) return undefined;
  const codesIn = (refusals: ReadonlyMap<Kind, Shape>) => {
    const found = new Map<Code, number>();
    for (const [kind, shape] of refusals) {
      const pointer = replies.find((reply) => reply.kind === kind)?.pointer;
      const values = pointer === undefined ? undefined : shapeAt(shape, pointer)?.shape.values;
      for (const [code, count] of values ?? []) found.set(code, (found.get(code) ?? 0) + count);
    }
    return found;
  };
  const isText = codesIn(notJson);
  const isUnknown = new Set(refusedKinds.flatMap(({ refusals }) => [...codesIn(refusals).keys()]));
  const isRequired = new Set(kinds.flatMap(({ refusals }) => [...codesIn(refusals).keys()]));
  const all = new Map<Code, number>();
  for (const { kind, pointer } of replies)
    for (const [code, count] of shapeAt(kind.shape, pointer)?.shape.values ?? []) all.set(code, (all.get(code) ?? 0) + count);
  const codes = [...all].map(([code, seen]): InferredCode => {
    const when = isRequired.has(code)
      ? "required"
      : isText.has(code)
        ? "not-json"
        : isUnknown.has(code)
          ? "unknown-type"
          : "required";
    return { code, when, seen };
  });
  return { replies, codes, codesOf: ({ refusals }) => codesIn(refusals) };
}

/** The member with the code: a scalar of few values in every error. */
function codePointer({ shape, tag }: Kind): string | undefined {
  const places = [...placesOf(shape, depth)].filter(
    ([pointer, place]) => pointer !== "" && pointer !== tag?.pointer && isCode(place) && shapeAt(shape, pointer)?.always === true,
  );
  for (const name of names) {
    const found = places.find(([pointer]) => name.test(pointer.slice(pointer.lastIndexOf("/") + 1)));
    if (found !== undefined) return found[0];
  }
  return shape.positions === undefined ? undefined : places.find(([pointer]) => pointer === "/2")?.[0];
}

function isCode({ values, types, count }: Shape): boolean {
  if (values === undefined || values.size === 0 || [...types.keys()].some((type) => type !== "string" && type !== "integer"))
    return false;
  const isWord = [...values.keys()].every((value) => typeof value !== "string" || /^[\w.:/-]{1,64}$/.test(value));
  return isWord && (values.size <= 2 || values.size <= count / 2 + 2);
}
