// Which operations and fields of a document make a log that the cluster rules can check.
import { expect, it } from "vitest";
import { defaultSpecFile, loadContract } from "../../spec/load-contract.ts";
import { logRoles } from "./log-roles.ts";

const { contract } = await loadContract({ file: defaultSpecFile });
const channel = contract!.channels.find(({ kind }) => kind === "websocket")!;

it("knows the count that the reply to a join gives, and the events of the log that change it", () => {
  const roles = logRoles(contract!, channel)!;
  expect(roles.joinedCount).toBe("/payload/memberCount");
  expect([...roles.changes].map(([name, { by }]) => [name, by])).toEqual([
    ["user_joined", 1],
    ["user_left", -1],
  ]);
});

it("counts nobody where the events that change the count are no part of the log", () => {
  const streams = channel.delivery!.streams.map((stream) => ({
    ...stream,
    messages: stream.messages.filter((name) => !name.startsWith("user_")),
  }));
  const roles = logRoles(contract!, { ...channel, delivery: { ...channel.delivery!, streams } })!;
  expect(roles.joinedCount).toBeUndefined();
  expect(roles.changes.size).toBe(0);
});
