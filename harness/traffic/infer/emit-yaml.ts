// Plain data with notes -> YAML, where each note is a comment. Small things stand on one line.
import { Document, isCollection, type Node, Pair, Scalar, YAMLMap, YAMLSeq } from "yaml";
import { Noted } from "./emit-schema.ts";

const maxInline = 90;

/** @param heading lines of the comment at the top */
export function emitYaml(value: unknown, heading: readonly string[]): string {
  const document = new Document();
  document.contents = nodeOf(value) as never;
  document.commentBefore = heading.map((line) => ` ${line}`).join("\n");
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

export function nodeOf(value: unknown): Node {
  if (value instanceof Noted) return noted(nodeOf(value.value), value.note);
  if (Array.isArray(value)) {
    const list = new YAMLSeq();
    for (const item of value) list.items.push(nodeOf(item));
    list.flow = isSmall(value);
    return list;
  }
  if (typeof value !== "object" || value === null) return new Scalar(value);
  const map = new YAMLMap();
  for (const [name, member] of Object.entries(value)) {
    if (member === undefined) continue;
    const key = new Scalar(name);
    const node = nodeOf(member);
    // A comment on a block stands before its key.
    if (member instanceof Noted && isCollection(node) && node.flow !== true) {
      delete node.comment;
      key.commentBefore = ` ${member.note}`;
    }
    map.items.push(new Pair(key, node));
  }
  map.flow = isSmall(value);
  return map;
}

function noted(node: Node, note: string): Node {
  node.comment = ` ${note}`;
  return node;
}

/** Whether it fits on a line, and nothing in it has a note. */
function isSmall(value: object): boolean {
  if (Object.keys(value).length === 0) return true;
  const hasNote = (one: unknown): boolean =>
    one instanceof Noted || (typeof one === "object" && one !== null && Object.values(one).some(hasNote));
  return !hasNote(value) && JSON.stringify(value).length <= maxInline;
}
