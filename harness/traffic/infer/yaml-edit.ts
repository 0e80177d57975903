// Additions to a YAML document that keep its comments, its order and what else people wrote.
import { type Document, isCollection, isMap, isSeq, parseDocument } from "yaml";
import { tokens } from "../../../spec/pointer.ts";
import { isRecord } from "../../../spec/raw.ts";
import { nodeOf } from "./emit-yaml.ts";

export type Path = readonly string[];

const maxReferences = 50;

export class YamlEdit {
  readonly #document: Document;
  readonly #isPadded: boolean;
  readonly #isIndented: boolean;

  constructor(source: string) {
    this.#document = parseDocument(source);
    this.#isPadded = /\{ \S/.test(source);
    this.#isIndented = !/^( *)[^\s#-].*:\n\1- /m.test(source);
  }

  /** Where the path leads once references are followed; undefined where it leaves the document. */
  follow(path: Path): Path | undefined {
    let at = path;
    for (let hops = 0; hops < maxReferences; hops += 1) {
      const value = this.at(at);
      if (!isRecord(value) || typeof value.$ref !== "string") return value === undefined ? undefined : at;
      if (!value.$ref.startsWith("#/")) return undefined;
      at = tokens(value.$ref);
    }
    return undefined;
  }

  /** What stands there, as plain data. */
  at(path: Path): unknown {
    const node = this.#document.getIn(path, true) as { toJS?: (document: Document) => unknown } | undefined;
    return node?.toJS?.(this.#document);
  }

  /** Sets a member; its map is made where it is missing. Notes become comments. */
  set(path: Path, value: unknown): void {
    const holder = this.#document.getIn(path.slice(0, -1), true);
    const name = path.at(-1)!;
    if (!isMap(holder)) {
      this.set(path.slice(0, -1), { [name]: value });
      return;
    }
    const made = nodeOf({ [name]: value });
    const pair = isMap(made) ? made.items[0]! : undefined;
    const previous = holder.items.find(({ key }) => String(key) === name);
    if (pair === undefined) return;
    if (previous === undefined) {
      holder.items.push(pair);
      return;
    }
    // The layout of what stood there stays.
    if (isCollection(previous.value) && isCollection(pair.value)) pair.value.flow = previous.value.flow === true;
    previous.value = pair.value;
  }

  /** Adds to a list, which is made where it is missing. */
  add(path: Path, value: unknown): void {
    const list = this.#document.getIn(path, true);
    if (!isSeq(list)) this.set(path, [value]);
    else list.items.push(nodeOf(value));
  }

  /** Takes a value out of a list, and the list where nothing is left. */
  remove(path: Path, value: unknown): void {
    const index = (this.at(path) as readonly unknown[]).indexOf(value);
    this.#document.deleteIn([...path, index]);
    if ((this.at(path) as readonly unknown[]).length === 0) this.#document.deleteIn(path);
  }

  drop(path: Path): void {
    this.#document.deleteIn(path);
  }

  text(): string {
    return this.#document.toString({
      ...{ lineWidth: 0, flowCollectionPadding: this.#isPadded, indentSeq: this.#isIndented },
    });
  }
}
