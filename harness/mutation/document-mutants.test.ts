import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "vitest";
import { lookup } from "../../spec/pointer.ts";
import { phases } from "../conformance/rules.ts";
import { mutantReasonFor, mutantReasons } from "./document-mutant-reasons.ts";
import { mutantsOf } from "./document-mutants.ts";
import { claimsFor, stages } from "./judge-document-mutants.ts";
import { claimsOf } from "./mutants.ts";
import { placesOf, usesOf } from "./places.ts";
import { coverageOf, promisesOf } from "./promises.ts";
import { reasonFor } from "./reasons.ts";
import { weigh } from "./run-document-mutants.ts";
import { loadOwnSubject } from "./subject.ts";

const subject = await loadOwnSubject();
const { contract, channel } = subject;
const before = structuredClone(contract);
const mutants = mutantsOf(contract);
const mutantOf = (id: string) => mutants.find((mutant) => mutant.id === id)!;

describe("altered documents", () => {
  it("leave the document itself as it is", () => expect(isDeepStrictEqual(contract, before)).toBe(true));
  it("each say something else, under an id of their own", () => {
    expect(new Set(mutants.map(({ id }) => id)).size).toBe(mutants.length);
    expect(mutants.filter((mutant) => isDeepStrictEqual(mutant.contract, contract)).map(({ id }) => id)).toEqual([]);
  });
  it("alter every effect and every requirement", () => {
    const altered = mutants.map(({ pointer }) => pointer);
    const places = contract.operations
      .flatMap(({ effects, requires }) => [...effects, ...requires])
      .map(({ pointer }) => pointer);
    expect(places.filter((place) => !altered.some((pointer) => pointer.startsWith(place)))).toEqual([]);
  });
  it("never loosen what the server sends", () => {
    const loosening = ["bound-widened", "requirement-of-member-removed", "members-allowed", "enum-extended", "pattern-removed"];
    const ofServer = mutants.filter(({ kind, pointer }) => loosening.includes(kind) && pointer.includes("/messages/message/"));
    expect(ofServer.map(({ id }) => id)).toEqual([]);
    expect(mutants.some(({ id }) => id === "members-allowed #/components/messages/chat/payload/additionalProperties")).toBe(true);
  });
  it("take a number that a server has in force, where it is told", () => {
    const limit = channel.limits.find(({ kind, advertised }) => kind === "connections" && advertised !== undefined)!;
    const [member = "", group = "", name = ""] = limit.advertised!.split("/").slice(1);
    const first = { [member]: { [group]: { [name]: 5 } } };
    expect(lookup(first, limit.advertised!)).toBe(5);
    const values = ["limit-lowered", "limit-raised"].map((kind) => {
      const mutant = mutantsOf(contract, first).find(({ id }) => id === `${kind} ${limit.pointer}`)!;
      return mutant.contract.channels.flatMap(({ limits }) => limits).find(({ pointer }) => pointer === limit.pointer)!;
    });
    expect(values.map(({ value, advertised }) => [value, advertised])).toEqual([
      [4, undefined],
      [6, undefined],
    ]);
  });
});

describe("the places of an alteration", () => {
  it("are all that name a close code", () => {
    const heartbeat = channel.closeCodes.find(({ code }) => code === channel.heartbeat!.close)!;
    expect(placesOf(contract, heartbeat.pointer)).toContain(channel.heartbeat!.pointer);
  });
  it("are the uses of a definition, through other definitions too", () => {
    const uses = usesOf(contract, "Epoch");
    expect(uses).toContain("#/components/messages/join_room/payload/properties/payload/properties/since/properties/epoch");
    expect(uses).toContain("#/components/messages/message/payload/properties/payload/properties/epoch");
  });
  it("of a code in an enum are those of the error", () => {
    const code = contract.errors!.codes[0]!;
    const shortened = mutants.filter(({ kind, places }) => kind === "enum-shortened" && places.includes(code.pointer));
    expect(shortened).toHaveLength(1);
  });
  it("choose the rules that wait", () => {
    const claims = claimsFor(phases, mutantOf(`close-altered ${channel.heartbeat!.pointer}`), "patient");
    expect(claims.map(({ rule }) => rule.id)).toContain("limits-heartbeat-silent-closed");
    expect(claims.map(({ rule }) => rule.id)).not.toContain("limits-credential-expired-closed");
  });
  it("leave no MUST rule out of all stages", () => {
    const mutant = mutantOf(`close-altered ${channel.heartbeat!.pointer}`);
    const quick = claimsFor(phases, mutant, "quick").map(({ rule }) => rule.id);
    const rules = phases.flatMap((phase) => phase.rules).filter((rule) => rule.from(subject).length > 0);
    const quickly = rules.filter((rule) => rule.level === "MUST" && rule.phase !== "shutdown" && rule.waitsMs === undefined);
    expect(quickly.filter(({ id, alone }) => alone !== true && !quick.includes(id)).map(({ id }) => id)).toEqual([]);
    expect(stages).toEqual(["quick", "thorough", "patient", "alone", "shutdown"]);
  });
});

describe("a reason", () => {
  const explained = mutantOf(`close-code-altered ${channel.closeCodes.find(({ code }) => code === 1002)!.pointer}`);
  const other = mutantOf(`close-altered ${channel.heartbeat!.pointer}`);
  const survives = { rule: undefined, detail: "" };
  const noticed = { rule: "some-rule", detail: "" };

  it("explains what goes unnoticed", () => {
    const result = weigh(contract, [{ mutant: explained, ...survives }], false);
    expect([result.explained.length, result.unexplained.length, result.complaints]).toEqual([1, 0, []]);
  });
  it("is missing where there is none", () => {
    const { complaints } = weigh(contract, [{ mutant: other, ...survives }], false);
    expect(complaints).toEqual([`${other.id} goes unnoticed, and there is no reason for it`]);
  });
  it("is stale where the alteration is noticed", () => {
    const { complaints } = weigh(contract, [{ mutant: explained, ...noticed }], false);
    expect(complaints).toHaveLength(1);
    expect(complaints[0]).toContain(`${explained.id} is noticed by some-rule`);
  });
  it("is stale where nothing needs it", () => {
    const { complaints } = weigh(contract, [{ mutant: other, ...noticed }], true);
    expect(complaints).toHaveLength(mutantReasons.length);
  });
  it("holds for some altered document each", () => {
    const unneeded = mutantReasons.filter((reason) => !mutants.some((mutant) => mutantReasonFor(contract, mutant) === reason));
    expect(unneeded.map(({ says }) => says)).toEqual([]);
  });
});

describe("promises", () => {
  it("each have a rule, or a reason why not", () => {
    const bare = coverageOf(promisesOf(contract), claimsOf(phases, subject)).filter(({ rules }) => rules.length === 0);
    expect(bare.filter((promise) => reasonFor(contract, promise) === undefined).map(({ pointer }) => pointer)).toEqual([]);
  });
});
