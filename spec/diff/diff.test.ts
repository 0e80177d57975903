import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { defaultSpecFile } from "../load-contract.ts";
import { normalise } from "../normalise.ts";
import { parseTree } from "../source-tree.ts";
import { diff, stepBetween } from "./diff.ts";

const source = readFileSync(defaultSpecFile, "utf8");
const contractOf = (text: string) => normalise(parseTree("asyncapi.yaml", text).tree!);
const ours = contractOf(source);

function changed(from: string, to: string) {
  expect(source.split(from)).toHaveLength(2);
  return diff(ours, contractOf(source.replace(from, () => to)));
}

describe("a change of our own document", () => {
  it("is none where only words change", () => {
    expect(changed("description: Ends the connection's membership of the room.", "description: Goodbye.").changes).toEqual([]);
    expect(diff(ours, contractOf(source))).toMatchObject({ changes: [], needed: "none", admitted: true });
  });

  it.each<[string, string, string, string, string[]]>([
    [
      "a close code removed",
      "      - { code: 4403, name: FORBIDDEN, by: server, reconnect: stop, when: The token is good but its user may not connect. }\n",
      "",
      "close-code-removed",
      ["servers"],
    ],
    [
      "a reconnect class changed",
      "name: FORBIDDEN, by: server, reconnect: stop",
      "name: FORBIDDEN, by: server, reconnect: back-off",
      "close-code-reconnect",
      ["clients"],
    ],
    [
      "a tighter bound in what the client sends",
      'room: { $ref: "#/components/schemas/Room" }\n              since:',
      'room: { type: string, maxLength: 5, pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$" }\n              since:',
      "field-narrows",
      ["clients"],
    ],
    [
      "an enum value more in what the server sends",
      "enum: [leave, disconnect]",
      "enum: [leave, disconnect, kicked]",
      "field-widens",
      ["clients"],
    ],
    ["an enum value less in what the server sends", "enum: [leave, disconnect]", "enum: [leave]", "field-narrows", ["servers"]],
    [
      "a lower limit that the server advertises",
      "value: 10000\n        error: ROOM_FULL",
      "value: 5000\n        error: ROOM_FULL",
      "limit-value",
      [],
    ],
    [
      "a requirement less",
      "      - limit: membersPerRoom\n        where: { room: $message.payload#/payload/room }\n",
      "",
      "requirement-removed",
      ["servers"],
    ],
    [
      "an effect less",
      "      - replay: room\n        since: $message.payload#/payload/since\n        recovered: /payload/recovered\n",
      "",
      "effects",
      ["clients", "servers"],
    ],
    ["an order less", "order: sender", "order: none", "stream-order", ["clients"]],
    ["an error code more", "  codes:\n", "  codes:\n    - { code: GONE, when: internal }\n", "error-code-added", ["clients"]],
    ["a carrier less", "          - { in: query, name: token }\n", "", "credential-carrier-removed", ["clients"]],
    ["another address", "address: /ws", "address: /socket", "channel-address", ["clients", "servers"]],
  ])("%s", (_, from, to, id, breaks) => {
    const { changes } = changed(from, to);
    expect(changes.map((change) => ({ id: change.id, breaks: change.breaks }))).toContainEqual({ id, breaks });
    expect(new Set(changes.map((change) => change.id))).toEqual(new Set([id]));
  });

  it("breaks servers alone where an operation and its own reply are new", () => {
    const now = contractOf(
      source
        .replace(
          "operations:\n",
          () =>
            '\noperations:\n  rename:\n    action: receive\n    channel: { $ref: "#/channels/rooms" }\n    messages: [{ $ref: "#/channels/rooms/messages/rename" }]\n    reply: { messages: [{ $ref: "#/channels/rooms/messages/renamed" }] }\n',
        )
        .replace(
          "    messages:\n      authenticate:",
          () =>
            "    messages:\n      rename: { payload: { properties: { type: { const: rename } } } }\n      renamed: { payload: { properties: { type: { const: renamed } } } }\n      authenticate:",
        ),
    );
    const { changes, needed } = diff(ours, now);
    expect(changes.map(({ id, direction }) => [id, direction])).toEqual([
      ["message-added", "client to server"],
      ["message-added", "server to client"],
      ["operation-added", "client to server"],
    ]);
    expect(needed).toBe("minor");
  });

  it("is admitted by the version that says so, and not by a smaller one", () => {
    const tighter = source.replace("enum: [leave, disconnect]", "enum: [leave, disconnect, kicked]");
    const as = (version: string) => diff(ours, contractOf(tighter.replace("version: 1.0.0", `version: ${version}`))).admitted;
    expect([as("1.0.0"), as("1.0.1"), as("1.1.0"), as("2.0.0")]).toEqual([false, false, false, true]);
  });
});

it("reads version numbers as Semantic Versioning does", () => {
  const said = [
    ["1.0.0", "2.0.0"],
    ["1.0.0", "1.1.0"],
    ["1.0.0", "1.0.1"],
    ["0.1.0", "0.2.0"],
    ["0.1.0", "0.1.1"],
    ["0.9.0", "1.0.0"],
    ["2.0.0", "1.0.0"],
    ["spring", "autumn"],
  ].map(([old, now]) => stepBetween(old!, now!));
  expect(said).toEqual(["major", "minor", "none", "major", "minor", "major", "none", "none"]);
});
