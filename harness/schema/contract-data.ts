// The generated data of one contract, made once: valid messages, mutations and bounds of each message, malformed frames, ids.
import type { Channel, Contract, Message } from "../../spec/contract.ts";
import { join } from "../../spec/pointer.ts";
import { type Arbitraries, createArbitraries } from "./arbitrary.ts";
import { type Bound, boundsAmong } from "./boundaries.ts";
import { type ColumnValues, columnUsages, createColumnValues } from "./column-values.ts";
import { valueAt } from "./edit.ts";
import { createMutator, type Mutation, type Mutator, type Unmutated } from "./invalid.ts";
import type { Json } from "./json.ts";
import { clientMessages, type MalformedFrame, malformedFrames } from "./malformed-frames.ts";
import { createSchemaValidator, type SchemaValidator } from "./schema-validator.ts";
import { createTypedValues, createUniqueValues, type UniqueValues, type Usage } from "./unique-values.ts";
import { createValidSamples, type ValidSamples } from "./valid-samples.ts";

export interface MessageData {
  readonly message: Message;
  /** Of the draft that the message is written in. */
  readonly validator: SchemaValidator;
  readonly samples: ValidSamples;
  readonly mutator: Mutator;
  /** Each constraint broken in the plainest way in the first valid message, or why it cannot be. */
  readonly mutations: readonly Mutation[];
  readonly unmutated: readonly Unmutated[];
  readonly bounds: readonly Bound[];
}

export interface ContractData {
  /** For schemas that are not a message's payload, such as those of headers. */
  readonly validator: SchemaValidator;
  readonly arbitraries: Arbitraries;
  of(message: Message): MessageData;
  /** Whether AJV can compile the payload's schema. */
  isUsable(message: Message): boolean;
  malformed(channel: Channel): readonly MalformedFrame[];
  /**
   * Ids of requests that are valid for all messages of the channel's client; each JSON type that the schema allows has its turn.
   * @param message ids for it alone, of the type that its example has
   * @throws NoUniqueValue
   */
  messageId(channel: Channel, count: number, message?: Message): Json;
  /**
   * A value of a column of relations that is valid in every message of the client that carries it.
   * @param text is the value where it is valid @param count tells other values apart
   */
  columnValue(channel: Channel, column: string, text: string, count: number): Json;
  /** An id of the count for this message in each JSON type that its schema allows. */
  typedIds(count: number, message: Message): readonly Json[];
}

const known = new WeakMap<Contract, ContractData>();

/** The same object for the same contract. */
export function dataOf(contract: Contract): ContractData {
  const data = known.get(contract) ?? createContractData(contract);
  known.set(contract, data);
  return data;
}

/** The contract in which a payload whose schema AJV cannot use may be anything, as lint says of it. */
export function withUsableSchemas(contract: Contract): Contract {
  const data = dataOf(contract);
  if (contract.messages.every((one) => data.isUsable(one))) return contract;
  const messages = contract.messages.map((one) =>
    data.isUsable(one) ? one : { ...one, payload: true, tag: undefined, correlation: undefined },
  );
  return { ...contract, messages };
}

function createContractData(contract: Contract): ContractData {
  const validator = createSchemaValidator(contract.definitions);
  const arbitraries = createArbitraries(contract.definitions, validator.compile);
  const modern = createSchemaValidator(contract.definitions, "2020-12");
  const modernArbitraries = createArbitraries(contract.definitions, modern.compile);
  const messages = new Map<string, MessageData>();
  const malformed = new Map<string, readonly MalformedFrame[]>();
  const ids = new Map<string, UniqueValues>();
  const columns = new Map<string, ColumnValues>();
  const typed = new Map<string, (count: number) => readonly Json[]>();
  return {
    validator,
    arbitraries,
    of(message) {
      const data =
        messages.get(message.name) ??
        (message.draft === "07"
          ? createMessageData(message, contract, validator, arbitraries)
          : createMessageData(message, contract, modern, modernArbitraries));
      messages.set(message.name, data);
      return data;
    },
    isUsable: ({ draft, payload }) => (draft === "07" ? validator : modern).isUsable(payload),
    malformed(channel) {
      const frames = malformed.get(channel.id) ?? malformedFrames(contract, channel, validator);
      malformed.set(channel.id, frames);
      return frames;
    },
    messageId(channel, count, message) {
      const key = `${channel.id} ${message?.name ?? ""}`;
      const values = ids.get(key) ?? createMessageIds(message, contract, channel, this);
      ids.set(key, values);
      return values(count);
    },
    columnValue(channel, column, text, count) {
      const key = `${channel.id} ${column}`;
      const usages = () => columnUsages(contract, channel, column, (message) => this.of(message).samples);
      const values = columns.get(key) ?? createColumnValues(usages(), contract.definitions, column);
      columns.set(key, values);
      return values(text, count);
    },
    typedIds(count, message) {
      const values = typed.get(message.name) ?? createTypedValues(idUsages([message], this), "i");
      typed.set(message.name, values);
      return values(count);
    },
  };
}

function createMessageIds(message: Message | undefined, contract: Contract, channel: Channel, data: ContractData): UniqueValues {
  const messages = message === undefined ? clientMessages(contract, channel) : [message];
  const usages = idUsages(messages, data);
  const [only] = usages;
  const example = message === undefined ? undefined : only?.samples.all[0];
  const like = example === undefined ? undefined : valueAt(example, only!.pointer);
  return createUniqueValues(usages, contract.definitions, "i", like);
}

/** Where the messages carry their ids. */
function idUsages(messages: readonly Message[], data: ContractData): readonly Usage[] {
  return messages.flatMap((one) =>
    one.correlation === undefined || one.format !== "json"
      ? []
      : [{ payload: one.payload, samples: data.of(one).samples, pointer: one.correlation }],
  );
}

function createMessageData(
  message: Message,
  contract: Contract,
  validator: SchemaValidator,
  arbitraries: Arbitraries,
): MessageData {
  const { payload } = message;
  const pointer = join(message.pointer, "payload");
  const examples = message.examples.map((example) => example.payload as Json);
  const samples = createValidSamples(payload, pointer, { validator, arbitraries, examples });
  const mutator = createMutator(payload, pointer, contract.definitions, samples, validator);
  const base = samples.all[0];
  const outcomes = base === undefined ? [] : mutator.constraints.map((constraint) => mutator.mutate(constraint, base));
  return {
    message,
    validator,
    samples,
    mutator,
    mutations: outcomes.filter((outcome): outcome is Mutation => "value" in outcome),
    unmutated: outcomes.filter((outcome): outcome is Unmutated => "why" in outcome),
    bounds: boundsAmong(mutator.constraints),
  };
}
