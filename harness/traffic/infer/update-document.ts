// Adds to a document what traffic shows and it lacks, and says so in sentences. What people wrote stays.
import type { Channel, Contract, Message, Operation } from "../../../spec/contract.ts";
import { tokens } from "../../../spec/pointer.ts";
import { isRecord, list, record } from "../../../spec/raw.ts";
import { emitDocument } from "./emit-document.ts";
import { Noted } from "./emit-schema.ts";
import type { Inferred } from "./infer.ts";
import type { Kind } from "./kind.ts";
import { matchMessages } from "./match-messages.ts";
import { updateSchema } from "./update-schema.ts";
import { YamlEdit } from "./yaml-edit.ts";

export interface Updated {
  /** The document with the additions; undefined where there is no drift. */
  readonly text: string | undefined;
  /** One sentence for each thing that the document lacked. */
  readonly drift: readonly string[];
  /** Messages of the document that the traffic does not show. */
  readonly unseen: readonly string[];
  /** Places that were not compared, and why. */
  readonly skipped: readonly string[];
}

/** @param source the text of the document, in AsyncAPI 3, from which the contract was made */
export function updateDocument(inferred: Inferred, source: string, contract: Contract, channel: Channel): Updated {
  return new Update(inferred, new YamlEdit(source), contract, channel).run();
}

class Update {
  readonly #inferred: Inferred;
  readonly #draft: Record<string, unknown>;
  readonly #yaml: YamlEdit;
  readonly #contract: Contract;
  readonly #channel: Channel;
  readonly #known: Map<Kind, Message>;
  /** The key of each message in the channel. */
  readonly #keys = new Map<Kind, string>();
  readonly #drift: string[] = [];
  readonly #skipped = new Set<string>();

  constructor(inferred: Inferred, yaml: YamlEdit, contract: Contract, channel: Channel) {
    this.#inferred = inferred;
    this.#draft = emitDocument(inferred, { title: "" });
    this.#yaml = yaml;
    this.#contract = contract;
    this.#channel = channel;
    this.#known = matchMessages(inferred, contract, channel);
  }

  run(): Updated {
    for (const kind of this.#inferred.kinds) this.#message(kind);
    for (const kind of this.#inferred.kinds) if (!this.#known.has(kind)) this.#operation(kind);
    for (const pair of this.#inferred.pairs) this.#reply(pair.request, pair.by === "id" ? pair.replies : []);
    this.#codes();
    this.#closes();
    const seen = new Set(this.#known.values());
    const declared = new Set(this.#channel.messages);
    const unseen = this.#contract.messages.filter((message) => declared.has(message.name) && !seen.has(message));
    return {
      text: this.#drift.length === 0 ? undefined : this.#yaml.text(),
      drift: this.#drift,
      unseen: unseen.map(({ name }) => name),
      skipped: [...this.#skipped],
    };
  }

  #message(kind: Kind): void {
    const message = this.#known.get(kind);
    const channel = tokens(this.#channel.pointer);
    if (message === undefined) {
      const taken = new Set([...Object.keys(record(this.#yaml.at(["components", "messages"]))), ...this.#channel.messages]);
      let name = kind.name;
      for (let number = 2; taken.has(name); number += 1) name = `${kind.name}_${number}`;
      this.#keys.set(kind, name);
      this.#yaml.set(["components", "messages", name], record(record(this.#draft.components).messages)[kind.name]);
      this.#yaml.set([...channel, "messages", name], { $ref: `#/components/messages/${name}` });
      this.#drift.push(`message ${name} of the ${kind.side} is new: ${kind.count} frames`);
      return;
    }
    const keys = Object.keys(record(this.#yaml.at([...channel, "messages"])));
    const at = tokens(message.pointer).join("\n");
    const key = keys.find((one) => this.#yaml.follow([...channel, "messages", one])?.join("\n") === at);
    if (key !== undefined) this.#keys.set(kind, key);
    if (kind.format !== "json") return;
    updateSchema(
      {
        yaml: this.#yaml,
        drift: (sentence) => this.#drift.push(sentence),
        skipped: (place) => this.#skipped.add(place),
        of: message.name,
      },
      [...tokens(message.pointer), "payload"],
      kind.shape,
    );
  }

  /** Adds the operation of a new message, as the draft has it. */
  #operation(kind: Kind): void {
    const operations = record(this.#draft.operations);
    const drafted = operations[kind.side === "client" ? kind.name : `send_${kind.name}`];
    if (!isRecord(drafted)) return;
    const ids = record(this.#yaml.at(["operations"]));
    let id = kind.side === "client" ? this.#keys.get(kind)! : `send_${this.#keys.get(kind)!}`;
    for (let number = 2; id in ids; number += 1) id = `${id}_${number}`;
    const flips = this.#contract.perspective === "client";
    const action = (drafted.action === "receive") === flips ? "send" : "receive";
    const pair = this.#inferred.pairs.find(({ request }) => request === kind);
    const { value, note } = drafted.reply instanceof Noted ? drafted.reply : { value: undefined, note: "" };
    const names = list(record(value).messages).map((one) => String(record(one).$ref).split("/").at(-1));
    const replies = this.#inferred.kinds.filter(({ name, side }) => side === "server" && names.includes(name));
    this.#yaml.set(["operations", id], {
      ...drafted,
      ...{ action, channel: this.#reference, messages: [this.#referenceTo(kind)] },
      ...(pair !== undefined && {
        reply: new Noted({ channel: this.#reference, messages: replies.map((reply) => this.#referenceTo(reply)) }, note),
      }),
    });
  }

  #reply(request: Kind, replies: readonly Kind[]): void {
    const operation = this.#operationOf(request);
    if (operation === undefined) return;
    for (const reply of replies) {
      const name = this.#known.get(reply)?.name;
      if (name !== undefined && operation.reply?.includes(name)) continue;
      const path = [...tokens(operation.pointer), "reply"];
      if (operation.reply === undefined && this.#yaml.at(path) === undefined)
        this.#yaml.set(path, { channel: this.#reference, messages: [this.#referenceTo(reply)] });
      else this.#yaml.add([...path, "messages"], this.#referenceTo(reply));
      this.#drift.push(`${operation.id} is answered by ${name ?? this.#keys.get(reply)} as well`);
    }
  }

  #codes(): void {
    const { errors, kinds } = this.#inferred;
    if (errors === undefined) return;
    if (this.#contract.errors === undefined) {
      const drafted = record(this.#draft["x-errors"]);
      const replies = errors.replies.map(({ kind, pointer }) => ({
        message: this.#known.get(kind)?.name ?? this.#keys.get(kind),
        code: pointer,
      }));
      this.#yaml.set(["x-errors"], { ...drafted, reply: replies.length === 1 ? replies[0] : replies });
      this.#drift.push(`errors are new: ${errors.codes.map(({ code }) => code).join(", ")}`);
      return;
    }
    const known = new Set(this.#contract.errors.codes.map(({ code }) => code));
    for (const [index, { code, seen }] of errors.codes.entries()) {
      if (known.has(code)) continue;
      this.#yaml.add(["x-errors", "codes"], list(record(this.#draft["x-errors"]).codes)[index]);
      const by = kinds.filter((kind) => errors.codesOf(kind).has(code));
      for (const kind of by) {
        const operation = this.#operationOf(kind);
        if (operation !== undefined) this.#yaml.add([...tokens(operation.pointer), "x-requires"], { may: [code] });
      }
      const whom = by.length === 0 ? "" : ` to ${by.map((kind) => this.#known.get(kind)?.name ?? kind.name).join(", ")}`;
      this.#drift.push(`error code ${code} is new: ${seen} times${whom}`);
    }
  }

  /** Either side may end a connection by 1000 or 1001: nothing to declare. */
  #closes(): void {
    const drafted = list(record(record(this.#draft.channels).socket)["x-close-codes"]);
    const known = new Set(this.#channel.closeCodes.map(({ code }) => code));
    for (const one of drafted) {
      const { code } = record(one instanceof Noted ? one.value : one);
      if (typeof code !== "number" || code < 1002 || known.has(code)) continue;
      this.#yaml.add([...tokens(this.#channel.pointer), "x-close-codes"], one);
      this.#drift.push(`close code ${code} is new: ${this.#inferred.observer.closes.get(code)?.count} times`);
    }
  }

  /** The operation of the document by which a client sends it. */
  #operationOf(kind: Kind): Operation | undefined {
    const name = this.#known.get(kind)?.name;
    return this.#contract.operations.find(
      ({ action, channel, messages }) =>
        action === "receive" && channel === this.#channel.id && name !== undefined && messages.includes(name),
    );
  }

  get #reference(): object {
    return { $ref: this.#channel.pointer };
  }

  #referenceTo(kind: Kind): object {
    return { $ref: `${this.#channel.pointer}/messages/${this.#keys.get(kind)}` };
  }
}
