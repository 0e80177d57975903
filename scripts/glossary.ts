// Words that the project used to say, and the field's words in their place. Pure: a source in, the refused words out.
import { sourceTokens } from "./source-text.ts";

interface Entry {
  /** As a whole name, and as a word of a longer one: `wallet` is in `WalletCheck` and in `wallet.ts`. In texts, as a word. */
  readonly word?: string;
  /** A name as it is written, where the word itself is a good one. */
  readonly name?: string;
  /** In texts that people read. */
  readonly phrase?: RegExp;
  readonly use: string;
  /** Folders or files in which the word has this fault; elsewhere it may mean something else. All, if missing. */
  readonly within?: readonly string[];
}

const words = (list: string, use: string, within?: readonly string[]): Entry[] =>
  list.split(" ").map((word) => ({ word, use, ...(within === undefined ? {} : { within }) }));
const names = (list: string, use: string, within?: readonly string[]): Entry[] =>
  list.split(" ").map((name) => ({ name, use, ...(within === undefined ? {} : { within }) }));

export const refused: readonly Entry[] = [
  // Server and Redis hub
  ...words("strike strikes", "SlidingWindowCounter, hit"),
  ...names("QueueWatch", "SlowConsumerDetector"),
  ...names("OutboxOwner Turn", "WriteBatcher, FrameChain", ["reference"]),
  ...names("LooseEvent", "EphemeralEvent"),
  ...words("unseat", "removeMember"),
  ...names("seat seats", "membership", ["reference"]),
  ...names(
    "greet deaf heard bury forgotten beaten tend trouble doubtful inTurn",
    "register, onSubscriptionLost, subscribed, expireNode, nodeExpired, heartbeatOk, checkWaiters, warn, unresolvedJoins, serialize",
    ["reference/hub"],
  ),
  ...names("RedisLink", "ClusterNode"),
  ...names("Line", "LogEntry", ["reference"]),
  ...words("surroundings", "ClientDependencies"),
  ...words("misdeed", "FaultyReply"),
  ...words("provoke", "misbehave, trigger"),
  // Client side of the harness
  ...names("Peer", "TestClient", ["harness"]),
  ...words("bystander", "controlConnection"),
  ...words("shaken", "probeLost"),
  ...names("demandAlive", "assertTargetAlive"),
  ...words("mint", "issueToken"),
  ...names("establish", "satisfyPreconditions", ["harness"]),
  ...names("Turn Turns", "FifoReplyMatcher", ["harness"]),
  ...words("breach", "IncidentalViolation"),
  ...words("obituary", "exitReason"),
  ...names("Asked Job Subject Promised", "Selection, RunInput, ContractUnderTest, Clause", ["harness"]),
  { phrase: /\bwhole-phase\b/, use: "the phase's prepare and check(context, clause)" },
  { phrase: /\bbrief credential/i, use: "short-lived token" },
  // Model and cluster checks
  ...names(
    "World Recording Act Term Mark Sighting Row Denial Story",
    "Evaluation, Trace, Invocation, CredentialValidity, Acknowledgement, Observation, Tuple, ForbiddenDelivery, HistoryBuilder",
    ["harness/model", "harness/cluster"],
  ),
  { phrase: /\blast[- ]will\b/i, use: "orphan-guard" },
  { phrase: /\b(?:other-clocks|clocks-apart)\b/, use: "clock-skew" },
  ...words("suffering", "NemesisHooks"),
  { phrase: /\bnode-rolled\b/, use: "rolling-restart" },
  { phrase: /\bredis-emptied\b/, use: "redis-flushed" },
  { phrase: /\blistening-killed\b/, use: "subscriber-killed" },
  // Faults and mutation testing
  ...words("convict convicts", "kill, killed"),
  ...words("seers", "killers"),
  ...words("wallet", "CredentialChecker"),
  ...words("farewell", "closeEcho"),
  ...words("ghost ghosts", "halfOpen"),
  ...names("Crowd", "ProxyState", ["harness"]),
  ...words("acquaintance", "ConnectionState"),
  ...names("Passing", "InterceptedMessage", ["harness"]),
  ...words("mended", "rewriteRequest, fixed"),
  ...names("letIn", "makeAcceptable"),
  // Data and load
  ...words("donor donors", "validSamples"),
  ...words("graft", "splice"),
  ...words("sieve", "boundedFilter"),
  ...words("conjunction", "expandSchema"),
  ...words("crew", "worker pool"),
  ...names("assemble", "aggregate", ["harness"]),
  ...words("dialect", "adapter"),
  ...words("mend mends", "fix"),
  { phrase: /^(?:fatal|degraded)$/, use: "severity error, warning, info" },
  // In sentences
  { phrase: /\bjudg(?:e|es|ed|ing)\b/i, use: "test, check" },
  { phrase: /\brun out\b/i, use: "expired" },
  { phrase: /\bthat which\b/i, use: "a noun" },
  { phrase: /\bas it is\b/i, use: "unchanged" },
  { phrase: /\brules? (?:is |are |was |were )?(?:kept|broken)\b/i, use: "passed, failed" },
];

/** Where a refused word is right, each with its reason. */
const exceptions: readonly { readonly file: RegExp; readonly word: RegExp; readonly reason: string }[] = [
  { file: /^scripts\/(?:glossary|source-text)/, word: /./, reason: "the list itself and its test" },
  { file: /^reference\/config\.ts$/, word: /^fatal$/, reason: "a log level of pino" },
  { file: /^spec\/lint\//, word: /^judged$/, reason: "in the id message-not-judged: baselines name it" },
];

export interface RefusedWord {
  readonly file: string;
  readonly line: number;
  readonly word: string;
  readonly use: string;
}

/** `joinedRoomLog` and `joined-room_log` -> joined, room, log */
const wordsOf = (name: string): string[] =>
  name
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z]+/);

/** @param file path from the project's root, with `/` */
export function refusedWords(file: string, source: string): RefusedWord[] {
  const entries = refused.filter(({ within }) => within === undefined || within.some((folder) => file.startsWith(`${folder}/`)));
  const base = file.slice(file.lastIndexOf("/") + 1).replace(/(?:\.test)?\.[a-z]+$/, "");
  const found: RefusedWord[] = [];
  const note = (line: number, word: string, use: string) => {
    if (exceptions.some((exception) => exception.file.test(file) && exception.word.test(word))) return;
    if (!found.some((other) => other.line === line && other.word === word)) found.push({ file, line, word, use });
  };
  const isWordOf = (text: string, word: string) => wordsOf(text).includes(word);
  for (const { word, use } of entries) if (word !== undefined && isWordOf(base, word)) note(1, `${word} (the file's name)`, use);
  for (const { kind, value, line } of sourceTokens(source)) {
    for (const { word, name, phrase, use } of entries) {
      if (kind === "name") {
        if (name === value || (word !== undefined && isWordOf(value, word))) note(line, value, use);
      } else if (kind === "text") {
        if (word !== undefined && isWordOf(value, word)) note(line, word, use);
        const match = phrase?.exec(value);
        if (match) note(line, match[0], use);
      }
    }
  }
  return found;
}
