import { describe, expect, it } from "vitest";
import { defaultSpecFile, loadContract } from "../../spec/load-contract.ts";
import { malformedFrames } from "./malformed-frames.ts";
import { createSchemaValidator } from "./schema-validator.ts";

const isJson = (text: string) => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

describe("malformed frames for our own document", async () => {
  const { contract } = await loadContract({ file: defaultSpecFile });
  const channel = contract!.channels.find(({ kind }) => kind === "websocket")!;
  const validator = createSchemaValidator(contract!.definitions);
  const frames = malformedFrames(contract!, channel, validator);
  const client = contract!.operations.filter(({ action, channel: at }) => action === "receive" && at === channel.id);
  const schemas = contract!.messages.filter(({ name }) => client.some(({ messages }) => messages.includes(name)));
  const isMessage = (value: unknown) => schemas.some(({ payload }) => validator.compile(payload)(value));

  it("there are many, each with a unique label", () => {
    expect(frames.length).toBeGreaterThan(70);
    expect(new Set(frames.map(({ label }) => label)).size).toBe(frames.length);
  });

  it.each(frames.map((one) => [one.label, one] as const))("%s is what it is said to be", (_label, { outcomes, text }) => {
    const sent = text("an-id");
    if (outcomes.length === 1) expect(isJson(sent)).toBe(outcomes[0] !== "not-json");
    if (outcomes.length > 0 && isJson(sent)) expect(isMessage(JSON.parse(sent))).toBe(false);
  });

  it("each error for malformed frames is met, and silence too", () => {
    const met = new Set(frames.map(({ outcomes }) => outcomes.join()));
    for (const outcome of ["not-json", "not-in-schema", "unknown-type", ""]) expect(met).toContain(outcome);
  });

  it("a frame that carries its id carries the one it is given", () => {
    const carrying = frames.filter(({ hasUsableId }) => hasUsableId);
    expect(carrying.length).toBeGreaterThan(20);
    for (const { text } of carrying) expect(text("an-id")).toContain('"an-id"');
  });
});
