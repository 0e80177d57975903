import { describe, expect, it } from "vitest";
import { endpointFor } from "../../spec/endpoints.ts";
import { defaultSpecFile, loadContract } from "../../spec/load-contract.ts";
import type { ContractUnderTest } from "../client/context.ts";
import { phaseNames } from "./rule.ts";
import { phases } from "./rules.ts";

const rules = phases.flatMap(({ rules }) => rules);
const { contract } = await loadContract({ file: defaultSpecFile });
const subject: ContractUnderTest = endpointFor(contract!, "ws://localhost/ws")!;

describe("the rules", () => {
  it("have ids of their own, in kebab-case", () => {
    const ids = rules.map(({ id }) => id);
    expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([]);
    expect(ids.filter((id) => !/^[a-z0-9]+(-[a-z0-9]+)+$/.test(id))).toEqual([]);
  });

  it("stand in the list of their phase, and the phases in their order", () => {
    for (const phase of phases) expect(phase.rules.filter((rule) => rule.phase !== phase.name)).toEqual([]);
    expect(phases.map(({ name }) => name)).toEqual(phaseNames.filter((name) => phases.some((phase) => phase.name === name)));
  });

  it("name no message, field, error or claim of the document in an id or a title", () => {
    const words = [
      ...subject.contract.messages.map(({ name }) => name).filter((name) => name.includes("_")),
      ...(subject.contract.errors?.codes.map(({ code }) => String(code)) ?? []),
      ...subject.contract.state.attributes.map(({ name }) => name),
    ];
    const told = rules.flatMap(({ id, title }) =>
      words.filter((word) => `${id} ${title}`.includes(word)).map((word) => `${id}: ${word}`),
    );
    expect(told).toEqual([]);
  });

  it("name at least one fault for each promise", () => {
    const bare = rules.filter((rule) =>
      rule.from(subject).some((clause) => [rule.brokenBy(clause, subject)].flat().length === 0),
    );
    expect(bare.map(({ id }) => id)).toEqual([]);
  });

  it("point to places that the document has, or to a standard", () => {
    const pointers = rules.flatMap((rule) => rule.from(subject).map(({ pointer }) => pointer));
    expect(pointers.filter((pointer) => !/^(#\/|RFC \d+)/.test(pointer))).toEqual([]);
  });
});
