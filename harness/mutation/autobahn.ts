// The case groups of the Autobahn test suite, in our words, and the rules that cover each: generated/AUTOBAHN.md. Pure.
import { cell, code } from "./markdown.ts";

interface CaseGroup {
  /** As Autobahn numbers it. */
  readonly group: string;
  readonly about: string;
  /** Ids of rules, or their beginnings followed by `*`. */
  readonly rules: readonly string[];
  /** Why a group, or a part of it, has no rule. */
  readonly apart?: string;
}

const boundaries = ["limits-bytes-at-bound", "limits-bytes-beyond"];

export const caseGroups: readonly CaseGroup[] = [
  {
    group: "1.1",
    about: "text messages at the edges of the three length forms, and cut into small TCP segments",
    rules: [...boundaries, "frames-byte-by-byte", "frames-many-in-one-segment"],
    apart: "an application protocol has no echo: messages are as long as its schemas allow",
  },
  {
    group: "1.2",
    about: "binary messages of the same lengths",
    rules: ["frames-binary"],
    apart: "what a binary message gets is for the document to say",
  },
  {
    group: "2",
    about: "pings and pongs: empty, text, binary, longest, too long, in bursts, unsolicited",
    rules: ["frames-ping-*", "frames-unsolicited-pong"],
  },
  { group: "3", about: "reserved bits without an extension", rules: ["frames-reserved-bit-*"] },
  { group: "4.1", about: "reserved opcodes of data frames", rules: ["frames-reserved-opcode-3", "frames-reserved-opcode-7"] },
  { group: "4.2", about: "reserved opcodes of control frames", rules: ["frames-reserved-opcode-b", "frames-reserved-opcode-f"] },
  {
    group: "5",
    about: "fragmented messages, control frames between and in fragments, continuations without a start",
    rules: [
      "frames-two-fragments",
      "frames-many-fragments",
      "frames-ping-fragmented",
      "frames-pong-fragmented",
      "frames-ping-between-fragments",
      "frames-pong-between-fragments",
      "frames-continuation-*",
      "frames-new-message-inside-message",
    ],
  },
  { group: "6.1", about: "text with empty fragments", rules: ["frames-empty-*"] },
  { group: "6.2", about: "text with fragments that end inside a character", rules: ["frames-utf8-split-character"] },
  { group: "6.3", about: "invalid text, whole and in fragments", rules: ["frames-utf8-split-invalid"] },
  { group: "6.4", about: "invalid text found before the message ends", rules: ["frames-utf8-fail-fast"] },
  {
    group: "6.5-6.7, 6.9, 6.11, 6.22, 6.23",
    about: "valid text: every length of sequence, code points that are no characters",
    rules: ["boundaries-text-unchanged", "frames-utf8-split-character"],
  },
  { group: "6.6, 6.13-6.15", about: "sequences that are cut off", rules: ["frames-utf8-truncated"] },
  {
    group: "6.8, 6.10",
    about: "sequences of five and six bytes, code points beyond Unicode",
    rules: ["frames-utf8-beyond-unicode"],
  },
  { group: "6.12", about: "continuation bytes without a start", rules: ["frames-utf8-lone-continuation"] },
  { group: "6.16", about: "bytes that UTF-8 never has", rules: ["frames-utf8-byte-ff"] },
  { group: "6.17-6.19", about: "overlong sequences", rules: ["frames-utf8-overlong"] },
  { group: "6.20, 6.21", about: "halves of surrogate pairs", rules: ["frames-utf8-surrogate"] },
  {
    group: "7.1",
    about: "the close handshake, and frames after it",
    rules: ["frames-nothing-after-close", "frames-close-between-fragments", "frames-server-ends-tcp"],
  },
  {
    group: "7.3",
    about: "the structure of a close frame",
    rules: ["frames-close-without-code", "frames-close-one-byte", "frames-close-with-reason", "frames-close-too-long"],
  },
  { group: "7.5", about: "a close reason that is not UTF-8", rules: ["frames-close-reason-not-utf8"] },
  {
    group: "7.7",
    about: "close codes that may be sent",
    rules: ["frames-close-code-1000", "frames-close-code-1011", "frames-close-code-3000", "frames-close-code-4999"],
  },
  {
    group: "7.9",
    about: "close codes that must not be sent",
    rules: [
      "frames-close-code-0",
      "frames-close-code-999",
      "frames-close-code-1005",
      "frames-close-code-1015",
      "frames-close-code-1016",
    ],
  },
  { group: "7.13", about: "close codes beyond the range", rules: ["frames-close-code-5000", "frames-close-code-65535"] },
  {
    group: "9",
    about: "throughput of large, fragmented and many small messages",
    rules: [...boundaries],
    apart: "`wsproof bench` measures it",
  },
  { group: "10", about: "a server that fragments its messages by itself", rules: ["server-frame-legal"] },
  {
    group: "12",
    about: "compressed messages of many sizes and contents",
    rules: [
      "handshake-compression-usable",
      "frames-compression-request",
      "frames-compression-*-block*",
      "frames-compression-empty",
      "frames-compression-fragmented",
      "frames-compression-plain-message",
      "frames-compression-inflated-limit",
      "frames-compression-rsv1-*",
    ],
  },
  {
    group: "13",
    about: "compression by each set of parameters: context takeover, window bits",
    rules: [
      "handshake-compression-parameters",
      "handshake-compression-invalid-offer-declined",
      "handshake-compression-usable",
      "frames-compression-context-takeover",
    ],
  },
];

/** The ids that a group names; empty where a name fits no rule. */
export function rulesOf(name: string, ids: readonly string[]): readonly string[] {
  const pattern = new RegExp(`^${name.split("*").join("[a-z0-9-]*")}$`);
  return ids.filter((id) => pattern.test(id));
}

export function emitAutobahn(ids: readonly string[]): string {
  return [
    "# Autobahn's case groups",
    "",
    "<!-- Written by `npx vitest run harness/mutation/autobahn.test.ts -u`. Do not edit. -->",
    "",
    "Which rules cover the case groups of the Autobahn test suite for servers. Autobahn needs an echo server; these rules need none: they",
    "send the requests of the document and wait for their replies.",
    "",
    "| group | cases | rules |",
    "|---|---|---|",
    ...caseGroups.map(({ group, about, rules, apart }) => {
      const named = [...new Set(rules.flatMap((name) => rulesOf(name, ids)))].map(code).join(" ");
      return `| ${group} | ${cell(about)} | ${named}${apart === undefined ? "" : `; ${cell(apart)}`} |`;
    }),
    "",
  ].join("\n");
}
