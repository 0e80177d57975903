// The generators of one contract, made once and kept as long as the contract: valid messages, obligations and bounds of each message.
import type { Channel, Contract, Message } from "../../spec/contract.ts";
import { join } from "../../spec/pointer.ts";
import { type Arbitraries, createArbitraries } from "./arbitrary.ts";
import { type Bound, boundsAmong } from "./boundaries.ts";
import { createMutator, type Mutation, type Mutator, type Unbroken } from "./invalid.ts";
import type { Json } from "./json.ts";
import { type HostileFrame, hostileFrames } from "./malformed-frames.ts";
import { createSchemaJudge, type SchemaJudge } from "./schema-validator.ts";
import { createDonors, type Donors } from "./valid-samples.ts";

export interface MessageData {
  readonly message: Message;
  readonly donors: Donors;
  readonly mutator: Mutator;
  /** Each obligation broken in the first valid message, or why it cannot be. */
  readonly broken: readonly Mutation[];
  readonly unbroken: readonly Unbroken[];
  readonly bounds: readonly Bound[];
}

export interface ContractData {
  readonly judge: SchemaJudge;
  readonly arbitraries: Arbitraries;
  of(message: Message): MessageData;
  hostile(channel: Channel): readonly HostileFrame[];
}

const known = new WeakMap<Contract, ContractData>();

/** The same object for the same contract. */
export function dataOf(contract: Contract): ContractData {
  const data = known.get(contract) ?? createContractData(contract);
  known.set(contract, data);
  return data;
}

function createContractData(contract: Contract): ContractData {
  const judge = createSchemaJudge(contract.definitions);
  const arbitraries = createArbitraries(contract.definitions, judge.compile);
  const messages = new Map<string, MessageData>();
  const hostile = new Map<string, readonly HostileFrame[]>();
  return {
    judge,
    arbitraries,
    of(message) {
      const data = messages.get(message.name) ?? createMessageData(message, contract, judge, arbitraries);
      messages.set(message.name, data);
      return data;
    },
    hostile(channel) {
      const frames = hostile.get(channel.id) ?? hostileFrames(contract, channel, judge);
      hostile.set(channel.id, frames);
      return frames;
    },
  };
}

function createMessageData(message: Message, contract: Contract, judge: SchemaJudge, arbitraries: Arbitraries): MessageData {
  const { payload } = message;
  const pointer = join(message.pointer, "payload");
  const examples = message.examples.map((example) => example.payload as Json);
  const donors = createDonors(payload, pointer, { judge, arbitraries, examples });
  const mutator = createMutator(payload, pointer, contract.definitions, donors, judge);
  const base = donors.all[0];
  const outcomes = base === undefined ? [] : mutator.obligations.map((obligation) => mutator.mutate(obligation, base));
  return {
    message,
    donors,
    mutator,
    broken: outcomes.filter((outcome): outcome is Mutation => "value" in outcome),
    unbroken: outcomes.filter((outcome): outcome is Unbroken => "why" in outcome),
    bounds: boundsAmong(mutator.obligations),
  };
}
