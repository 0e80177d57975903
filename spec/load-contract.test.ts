import { describe, expect, it } from "vitest";
import { defaultSpecFile, loadContract } from "./load-contract.ts";

describe("our own document", async () => {
  const { contract, findings } = await loadContract({ file: defaultSpecFile });

  it("loads without a finding", () => expect(findings).toEqual([]));

  it("tells every message of the socket by its type", () => {
    const channel = contract!.channels.find(({ kind }) => kind === "websocket")!;
    for (const name of channel.messages) {
      expect(contract!.messages.find((message) => message.name === name)?.tag).toEqual({ pointer: "/type", value: name });
    }
  });

  it("keeps references and names what they mean as the document does", () => {
    const chat = contract!.messages.find(({ name }) => name === "chat")!;
    expect(chat.payload).toMatchObject({ properties: { id: { $ref: "#/definitions/Id" } } });
    expect([...contract!.definitions.keys()].slice(0, 3)).toEqual(["Id", "Token", "Room"]);
  });

  it("gives a requirement without else the error of its limit", () => {
    const join = contract!.operations.find(({ id }) => id === "joinRoom")!;
    expect(join.requires.map((requirement) => requirement.else)).toEqual(["RATE_LIMITED", "TOO_MANY_ROOMS", "ROOM_FULL"]);
  });

  it("reads strings that begin with $ as values", () => {
    const typing = contract!.operations.find(({ id }) => id === "typing")!;
    expect(typing.effects[0]).toMatchObject({
      kind: "deliver",
      to: { kind: "relation", relation: "member" },
      sender: "excluded",
    });
    const deliver = typing.effects[0]!;
    expect(deliver.kind === "deliver" && [...deliver.bindings]).toEqual([
      ["/payload/room", { kind: "message", pointer: "/payload/room" }],
      ["/payload/clientId", { kind: "sender", attribute: "clientId" }],
      ["/payload/userId", { kind: "sender", attribute: "userId" }],
      ["/payload/username", { kind: "sender", attribute: "username" }],
      ["/payload/active", { kind: "message", pointer: "/payload/active" }],
    ]);
  });

  it("lets an effect on disconnect mean the tuple that goes", () => {
    const [remove] = contract!.state.relations[0]!.onDisconnect;
    expect(remove).toMatchObject({ kind: "remove", where: new Map([["room", { kind: "column", name: "room" }]]) });
  });
});

describe("a file that cannot be a contract", () => {
  it("is a blocking finding when it is not there", async () => {
    const { contract, findings } = await loadContract({ file: "no/such/file.yaml" });
    expect(contract).toBeUndefined();
    expect(findings).toMatchObject([
      { severity: "error", blocking: true, id: "file-unreadable", file: "no/such/file.yaml", line: 1 },
    ]);
  });
});
