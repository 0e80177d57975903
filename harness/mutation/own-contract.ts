// The contract that mutation testing works on: the project's own document.
import { defaultSpecFile, loadContract } from "../../spec/load-contract.ts";
import type { ContractUnderTest } from "../client/context.ts";

export async function loadOwnContract(): Promise<ContractUnderTest> {
  const { contract } = await loadContract({ file: defaultSpecFile });
  const channel = contract?.channels.find(({ kind }) => kind === "websocket");
  if (contract === undefined || channel === undefined) throw new Error(`${defaultSpecFile} has no WebSocket channel`);
  return { contract, channel };
}
