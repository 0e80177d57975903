import { expect, it } from "vitest";
import { endpointFor } from "../../spec/endpoints.ts";
import { loadContract } from "../../spec/load-contract.ts";
import { Audiences } from "./audience.ts";

const file = new URL("../../spec/examples/chat/asyncapi.yaml", import.meta.url).pathname;
const { contract } = await loadContract({ file });
const { channel } = endpointFor(contract!, "ws://localhost/chat")!;
const operation = (id: string) => contract!.operations.find((one) => one.id === id)!;
const audiences = new Audiences(contract!, channel);
const none = new Map();

it("a room's message is not for a connection that never joined a room", () => {
  expect(audiences.strayOf("heard", {}, new Set(), none)?.why).toBe("a connection that was never in the relation member");
  expect(audiences.strayOf("heard", {}, new Set([operation("ping")]), none)?.pointer).toBe("#/operations/say/x-effects/1");
});

it("it may be for one that joined, that spoke, or that sent what nobody can know", () => {
  for (const id of ["join", "say"]) expect(audiences.strayOf("heard", {}, new Set([operation(id)]), none)).toBeUndefined();
  expect(audiences.strayOf("heard", {}, undefined, none)).toBeUndefined();
});

it("says nothing of replies, errors and what it does not know", () => {
  for (const name of ["welcome", "pong", "error", undefined])
    expect(audiences.strayOf(name, {}, new Set(), none)).toBeUndefined();
});

it("a broadcast of the same message is told from a room's by its fixed values", () => {
  const say = operation("say");
  const deliver = say.effects.find((one) => one.kind === "deliver")!;
  const bindings = new Map([["/room", { kind: "literal", value: null } as const]]);
  const announce = { ...say, id: "announce", effects: [{ ...deliver, to: { kind: "all" } as const, bindings }] };
  const both = new Audiences({ ...contract!, operations: [say, announce] }, channel);
  expect(both.strayOf("heard", { room: null }, new Set(), none)).toBeUndefined();
  expect(both.strayOf("heard", { room: "tea" }, new Set(), none)).toBeDefined();
});

it("an addressed message is for the connection whose attribute a request has named", () => {
  const say = operation("say");
  const deliver = say.effects.find((one) => one.kind === "deliver")!;
  const to = { kind: "connection", attribute: "clientId", equals: { kind: "message", pointer: "/room" } } as const;
  const direct = { ...say, effects: [{ ...deliver, to }] };
  const addressing = new Audiences({ ...contract!, operations: [direct] }, channel);
  const own = new Map([["clientId", "c1"]]);
  expect(addressing.strayOf("heard", {}, new Set(), own)?.why).toBe("a connection whose clientId no request has named");
  addressing.sent(direct, { room: "c2" });
  expect(addressing.strayOf("heard", {}, new Set(), own)).toBeDefined();
  addressing.sent(direct, { room: "c1" });
  expect(addressing.strayOf("heard", {}, new Set(), own)).toBeUndefined();
});
