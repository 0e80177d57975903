// Which operations of a document a run may send.
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { UsageError } from "../schema/errors.ts";
import { expectContractUnderTest } from "./load-contract-under-test.ts";
import { clientMessages, generatedMessages } from "./rules/client-messages.ts";

const spec = fileURLToPath(new URL("../mutation/shapes/jobs.yaml", import.meta.url));
const load = (...excludeOperations: readonly string[]) =>
  expectContractUnderTest({
    ...{ spec, perspective: undefined, overlay: undefined, server: undefined, variables: undefined },
    ...{ urls: ["ws://localhost/rpc"], excludeOperations },
  });
const sent = (messages: readonly { readonly operation: { readonly id: string } }[]) =>
  messages.map(({ operation }) => operation.id);

it("sends what the document lets it send, and changes only what may be sent in any form", async () => {
  const subject = await load();
  expect(sent(clientMessages(subject))).toEqual(["flush", "start", "look", "stop", "tune", "answer"]);
  expect(sent(generatedMessages(subject))).toEqual(["flush", "start", "look", "stop", "answer"]);
});

it("sends no operation that the command line excludes, and names one that does not exist", async () => {
  expect(sent(clientMessages(await load("tune", "stop")))).toEqual(["flush", "start", "look", "answer"]);
  await expect(load("stopp")).rejects.toThrow(UsageError);
});
