import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "vitest";
import { phases } from "../verify/rules.ts";
import { claimsOf } from "./claims.ts";
import { mutantsOf } from "./mutants.ts";
import { coverageOf, promisesOf } from "./promises.ts";
import { reasonFor } from "./reasons.ts";
import { loadOwnSubject } from "./subject.ts";

const subject = await loadOwnSubject();
const { contract } = subject;

describe("altered documents", () => {
  const before = structuredClone(contract);
  const mutants = mutantsOf(contract);

  it("leave the document itself as it is", () => expect(isDeepStrictEqual(contract, before)).toBe(true));
  it("each say something else, under an id of their own", () => {
    expect(new Set(mutants.map(({ id }) => id)).size).toBe(mutants.length);
    expect(mutants.filter((mutant) => isDeepStrictEqual(mutant.contract, contract)).map(({ id }) => id)).toEqual([]);
  });
  it("alter every effect and every requirement", () => {
    const altered = new Set(mutants.map(({ pointer }) => pointer));
    const places = contract.operations
      .flatMap(({ effects, requires }) => [...effects, ...requires])
      .map(({ pointer }) => pointer);
    expect(places.filter((pointer) => !altered.has(pointer))).toEqual([]);
  });
});

describe("promises", () => {
  it("each have a rule, or a reason why not", () => {
    const bare = coverageOf(promisesOf(contract), claimsOf(phases, subject)).filter(({ rules }) => rules.length === 0);
    expect(bare.filter((promise) => reasonFor(contract, promise) === undefined).map(({ pointer }) => pointer)).toEqual([]);
  });
});
