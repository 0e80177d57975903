// Faults at limits: one that is not enforced, and those that are off by one. Pure.

import type { Operation } from "../../../spec/contract.ts";
import type { ContractUnderTest } from "../../client/context.ts";
import { faults } from "../../conformance/faults/fault.ts";
import { dataOf } from "../../schema/contract-data.ts";
import type { Plant } from "./planted-fault.ts";

export function boundFaults(subject: ContractUnderTest, operations: readonly Operation[], plant: Plant): void {
  const { contract, channel } = subject;
  for (const limit of channel.limits) {
    if (limit.close === undefined) continue;
    const named =
      limit.kind === "message-bytes"
        ? /^(limits-bytes-beyond|frames-fragments-add-up)$/
        : limit.kind === "first-message"
          ? /^limits-first-message-in-time$/
          : undefined;
    if (named === undefined) continue;
    const runs = limit.kind === "message-bytes" ? ["limits-bytes-", "frames-fragments-"] : ["limits-first-"];
    plant("limit not enforced", named, runs, faults.neverCloses(limit.close));
    plant("wrong close code at a limit", named, runs, faults.changesCloseCode(limit.close, 1000));
  }
  const [bounded] = operations
    .filter(({ id, reply, exercise }) => reply !== undefined && exercise === "full" && id !== channel.delivery?.fence)
    .concat(operations.filter(({ id }) => id === channel.delivery?.fence))
    .flatMap((operation) => longestTexts(subject, operation));
  if (bounded === undefined) return;
  const { operation, message, pointer, length } = bounded;
  const malformed = contract.errors?.codes.find(({ when }) => when === "not-in-schema");
  const atBound = { where: { pointer, length } };
  plant(
    "limit one too low",
    /^boundaries-length-accepted$/,
    ["boundaries"],
    contract.errors?.reply.message !== undefined && malformed !== undefined && operation.id !== channel.delivery?.fence
      ? faults.refuses(operation.id, message, malformed.code, atBound)
      : faults.closesInsteadOf(message, malformed?.close ?? 1011, atBound),
  );
  if (malformed !== undefined)
    plant(
      "limit one too high",
      /^(boundaries-length-rejected|invalid-keyword-rejected)$/,
      ["boundaries", "invalid"],
      faults.acceptsInvalid("not-in-schema", message, { where: { pointer, length: length + 1 } }),
    );
}

/** Where the messages of an operation hold a text of limited length. */
function longestTexts({ contract }: ContractUnderTest, operation: Operation) {
  return contract.messages
    .filter(({ name }) => operation.messages.includes(name))
    .flatMap((message) =>
      dataOf(contract)
        .of(message)
        .bounds.filter(({ keyword, location }) => keyword === "maxLength" && location !== message.correlation)
        .map(({ location, constraint }) => ({
          ...{ operation, message: message.name, pointer: location },
          length: Number(constraint.schema.maxLength),
        })),
    );
}
