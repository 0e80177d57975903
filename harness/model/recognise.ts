// Which message a frame is. A reply is told by the request that it answers, then by its tag, then by its schema.
import type { Message, Operation, Pointer } from "../../spec/contract.ts";
import { lookup } from "../../spec/pointer.ts";
import { conjuncts } from "../../spec/schema-walk.ts";
import { isErrorMessage, type Protocol } from "./protocol.ts";

/** Whether the frame fits the schema of the message. */
export type Accepts = (message: string, frame: unknown) => boolean;

export interface RecognisedReply {
  /** Undefined: the frame is no message that the server may send. */
  readonly message: Message | undefined;
  /** Another reply of the operation whose fields the frame carries as well: a result and an error at once. */
  readonly both: Message | undefined;
}

export interface Recogniser {
  /** The message that a frame from the client is. */
  request(frame: unknown): Message | undefined;
  /** The message of the server whose tag the frame carries. */
  tagged(frame: unknown): Message | undefined;
  /** The ids of requests that the frame may answer. Empty where it carries none, or null. */
  ids(frame: unknown): readonly unknown[];
  /** The reply to a request of the operation. @param operation undefined where the request was malformed */
  reply(frame: unknown, operation: Operation | undefined): RecognisedReply;
  /** A message that carries no id of a request. @param preferred names of the replies that are awaited in order */
  event(frame: unknown, preferred: readonly string[]): Message | undefined;
}

/** @param accepts without it a frame is recognised by tags and error codes alone */
export function createRecogniser(protocol: Protocol, accepts?: Accepts): Recogniser {
  const { serverMessages, clientMessages, replies } = protocol;
  const correlations = new Set(serverMessages.flatMap(({ tag, correlation }) => (tag ? [] : (correlation ?? []))));
  const tagged = createTagReader(serverMessages);
  const taggedRequest = createTagReader(clientMessages);
  const isAllTagged = serverMessages.every(({ tag }) => tag !== undefined);
  const isAnswer = ({ name }: Message) => replies.has(name) || isErrorMessage(protocol, name);
  const events = serverMessages.filter((message) => !isAnswer(message));
  const errors = serverMessages.filter(({ name }) => isErrorMessage(protocol, name));
  const answers = serverMessages.filter(({ name }) => replies.has(name) && !isErrorMessage(protocol, name));

  /** The first of the candidates that the frame fits, those with its tag before those without any. */
  const firstFit = (candidates: readonly Message[], frame: unknown): Message | undefined => {
    const pool = withTagOrNone(candidates, frame);
    if (accepts !== undefined) return pool.find(({ name }) => accepts(name, frame)) ?? pool.find(({ tag }) => tag !== undefined);
    return pool.length === 1 ? pool[0] : (pool.find(({ name }) => carriesCode(protocol, name, frame)) ?? pool[0]);
  };

  return {
    tagged,
    request(frame) {
      const byTag = taggedRequest(frame);
      const untagged = clientMessages.filter(({ tag }) => tag === undefined);
      if (byTag !== undefined || untagged.length === 0) return byTag;
      return (accepts && untagged.find(({ name }) => accepts(name, frame))) ?? (untagged.length === 1 ? untagged[0] : undefined);
    },
    ids(frame) {
      const byTag = tagged(frame);
      const pointers = byTag === undefined ? [...correlations] : byTag.correlation === undefined ? [] : [byTag.correlation];
      return pointers.map((pointer) => lookup(frame, pointer)).filter((id) => id !== undefined && id !== null);
    },
    reply(frame, operation) {
      if (isAllTagged) return { message: tagged(frame), both: undefined };
      const own = serverMessages.filter(({ name }) => operation?.reply?.includes(name) || isErrorMessage(protocol, name));
      // An error is recognised before a success, whose schema may allow more members.
      const inOrder = [
        ...own.filter(({ name }) => carriesCode(protocol, name, frame)),
        ...own.filter(({ name }) => !carriesCode(protocol, name, frame)),
      ];
      const message = firstFit(inOrder, frame) ?? firstFit(serverMessages, frame);
      const other = inOrder.find(
        (candidate) =>
          message !== undefined &&
          isErrorMessage(protocol, candidate.name) !== isErrorMessage(protocol, message.name) &&
          withTagOrNone([candidate], frame).length > 0 &&
          (accepts?.(candidate.name, frame) ?? true) &&
          carriesBoth(protocol, message, candidate, frame),
      );
      return { message, both: other };
    },
    event(frame, preferred) {
      const byTag = tagged(frame);
      if (byTag !== undefined) return byTag;
      const awaited = serverMessages.filter(({ name }) => preferred.includes(name));
      for (const group of [awaited, events, errors, answers]) {
        const fit = accepts === undefined ? undefined : firstFit(group, frame);
        if (fit !== undefined) return fit;
      }
      // Without a tag a message that breaks its schema can be named only where it is the only one of its kind.
      const untagged = serverMessages.filter(({ tag }) => tag === undefined);
      return untagged.length === 1 ? untagged[0] : undefined;
    },
  };
}

/** Finds the message whose tag a frame carries: one look at each place where tags stand. */
function createTagReader(messages: readonly Message[]): (frame: unknown) => Message | undefined {
  const places = new Map<Pointer, Map<unknown, Message>>();
  for (const message of messages) {
    if (message.tag === undefined) continue;
    const { pointer, value } = message.tag;
    const byValue = places.get(pointer) ?? new Map<unknown, Message>();
    places.set(pointer, byValue);
    if (!byValue.has(value)) byValue.set(value, message);
  }
  return (frame) => {
    for (const [pointer, byValue] of places) {
      const message = byValue.get(lookup(frame, pointer));
      if (message !== undefined) return message;
    }
    return undefined;
  };
}

const carriesTag = ({ tag }: Message, frame: unknown) => tag !== undefined && lookup(frame, tag.pointer) === tag.value;

/** Those whose tag the frame carries; where there are none, those that have no tag. */
function withTagOrNone(candidates: readonly Message[], frame: unknown): readonly Message[] {
  const byTag = candidates.filter((message) => carriesTag(message, frame));
  return byTag.length > 0 ? byTag : candidates.filter(({ tag }) => tag === undefined);
}

function carriesCode({ contract }: Protocol, name: string, frame: unknown): boolean {
  const at = contract.errors?.replies.find(({ message }) => message === name)?.code;
  return at !== undefined && lookup(frame, at) !== undefined;
}

/** Whether the frame has a field that only one of the messages declares, and one that only the other does. */
function carriesBoth({ contract }: Protocol, one: Message, other: Message, frame: unknown): boolean {
  const fields = (message: Message) =>
    new Set(conjuncts(message.payload, contract.definitions).flatMap((part) => Object.keys(Object(part.properties))));
  const [mine, theirs] = [fields(one), fields(other)];
  const has = (field: string) => lookup(frame, pointerTo(field)) !== undefined;
  return (
    [...mine].some((field) => !theirs.has(field) && has(field)) && [...theirs].some((field) => !mine.has(field) && has(field))
  );
}

const pointerTo = (field: string): Pointer => `/${field.replaceAll("~", "~0").replaceAll("/", "~1")}`;
