import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "vitest";
import { lookup } from "../../spec/pointer.ts";
import { phases } from "../conformance/rules.ts";
import { pointersAffectedBy, usesOf } from "./affected-pointers.ts";
import { documentMutantsOf } from "./document-mutants.ts";
import { loadOwnContract } from "./own-contract.ts";
import { coverageOf, promisesOf } from "./promises.ts";
import { rulesUnderTest } from "./rules-under-test.ts";
import { rounds, rulesFor } from "./run-document-mutant.ts";
import { summarize } from "./run-document-mutants.ts";
import { survivalReasonFor, survivalReasons } from "./survival-reasons.ts";
import { uncoveredReasonFor } from "./uncovered-reasons.ts";

const subject = await loadOwnContract();
const { contract, channel } = subject;
const before = structuredClone(contract);
const mutants = documentMutantsOf(contract);
const mutantOf = (id: string) => mutants.find((mutant) => mutant.id === id)!;

describe("document mutants", () => {
  it("leave the contract itself unchanged", () => expect(isDeepStrictEqual(contract, before)).toBe(true));
  it("each say something else, under a unique id", () => {
    expect(new Set(mutants.map(({ id }) => id)).size).toBe(mutants.length);
    expect(mutants.filter((mutant) => isDeepStrictEqual(mutant.contract, contract)).map(({ id }) => id)).toEqual([]);
  });
  it("change every effect and every requirement", () => {
    const changed = mutants.map(({ pointer }) => pointer);
    const places = contract.operations
      .flatMap(({ effects, requires }) => [...effects, ...requires])
      .map(({ pointer }) => pointer);
    expect(places.filter((place) => !changed.some((pointer) => pointer.startsWith(place)))).toEqual([]);
  });
  it("never allow the server to send more", () => {
    const loosening = ["bound-widened", "requirement-of-member-removed", "members-allowed", "enum-extended", "pattern-removed"];
    const ofServer = mutants.filter(({ kind, pointer }) => loosening.includes(kind) && pointer.includes("/messages/message/"));
    expect(ofServer.map(({ id }) => id)).toEqual([]);
    expect(mutants.some(({ id }) => id === "members-allowed #/components/messages/chat/payload/additionalProperties")).toBe(true);
  });
  it("change numbers from their advertised value", () => {
    const limit = channel.limits.find(({ kind, advertised }) => kind === "connections" && advertised !== undefined)!;
    const [member = "", group = "", name = ""] = limit.advertised!.split("/").slice(1);
    const first = { [member]: { [group]: { [name]: 5 } } };
    expect(lookup(first, limit.advertised!)).toBe(5);
    const values = ["limit-lowered", "limit-raised"].map((kind) => {
      const mutant = documentMutantsOf(contract, first).find(({ id }) => id === `${kind} ${limit.pointer}`)!;
      return mutant.contract.channels.flatMap(({ limits }) => limits).find(({ pointer }) => pointer === limit.pointer)!;
    });
    expect(values.map(({ value, advertised }) => [value, advertised])).toEqual([
      [4, undefined],
      [6, undefined],
    ]);
  });
});

describe("the pointers affected by a change", () => {
  it("are all that name a close code", () => {
    const heartbeat = channel.closeCodes.find(({ code }) => code === channel.heartbeat!.close)!;
    expect(pointersAffectedBy(contract, heartbeat.pointer)).toContain(channel.heartbeat!.pointer);
  });
  it("are the uses of a definition, through other definitions too", () => {
    const uses = usesOf(contract, "Epoch");
    expect(uses).toContain("#/components/messages/join_room/payload/properties/payload/properties/since/properties/epoch");
    expect(uses).toContain("#/components/messages/message/payload/properties/payload/properties/epoch");
  });
  it("of a code in an enum are those of the error", () => {
    const code = contract.errors!.codes[0]!;
    const shortened = mutants.filter(({ kind, affected }) => kind === "enum-shortened" && affected.includes(code.pointer));
    expect(shortened).toHaveLength(1);
  });
  it("choose the rules that wait", () => {
    const rules = rulesFor(phases, mutantOf(`close-altered ${channel.heartbeat!.pointer}`), "patient");
    expect(rules.map(({ rule }) => rule.id)).toContain("limits-heartbeat-silent-closed");
    expect(rules.map(({ rule }) => rule.id)).not.toContain("limits-credential-expired-closed");
  });
  it("leave no MUST rule out of all rounds", () => {
    const mutant = mutantOf(`close-altered ${channel.heartbeat!.pointer}`);
    const quick = rulesFor(phases, mutant, "quick").map(({ rule }) => rule.id);
    const rules = phases.flatMap((phase) => phase.rules).filter((rule) => rule.from(subject).length > 0);
    const quickly = rules.filter((rule) => rule.level === "MUST" && rule.phase !== "shutdown" && rule.waitsMs === undefined);
    expect(quickly.filter(({ id, alone }) => alone === undefined && !quick.includes(id)).map(({ id }) => id)).toEqual([]);
    expect(rounds).toEqual(["quick", "thorough", "patient", "alone", "shutdown"]);
  });
});

describe("a reason", () => {
  const explained = mutantOf(`close-code-altered ${channel.closeCodes.find(({ code }) => code === 1002)!.pointer}`);
  const other = mutantOf(`close-altered ${channel.heartbeat!.pointer}`);
  const survives = { rule: undefined, detail: "" };
  const killed = { rule: "some-rule", detail: "" };

  it("explains a survivor", () => {
    const result = summarize(contract, [{ mutant: explained, ...survives }], false);
    expect([result.explained.length, result.unexplained.length, result.problems]).toEqual([1, 0, []]);
  });
  it("is missing where there is none", () => {
    const { problems } = summarize(contract, [{ mutant: other, ...survives }], false);
    expect(problems).toEqual([`${other.id} survives without a reason`]);
  });
  it("is wrong where the mutant is killed", () => {
    const { problems } = summarize(contract, [{ mutant: explained, ...killed }], false);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(`${explained.id} is killed by some-rule`);
  });
  it("is stale where no survivor needs it", () => {
    const { problems } = summarize(contract, [{ mutant: other, ...killed }], true);
    expect(problems).toHaveLength(survivalReasons.length);
  });
  it("holds for some mutant each", () => {
    const unneeded = survivalReasons.filter(
      (reason) => !mutants.some((mutant) => survivalReasonFor(contract, mutant) === reason),
    );
    expect(unneeded.map(({ text }) => text)).toEqual([]);
  });
});

describe("promises", () => {
  it("each have a rule, or a reason why not", () => {
    const bare = coverageOf(promisesOf(contract), rulesUnderTest(phases, subject)).filter(({ rules }) => rules.length === 0);
    expect(bare.filter((promise) => uncoveredReasonFor(contract, promise) === undefined).map(({ pointer }) => pointer)).toEqual(
      [],
    );
  });
});
