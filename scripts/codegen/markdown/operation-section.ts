// The operations of one channel: what a client can do, and what the server sends on its own.
import type { Channel, Contract, Operation } from "../../../spec/contract.ts";
import { client, type Flow, flowOf, repliesOf, server } from "../docs/operation-flow.ts";
import { effectWords, operationNotes, requirementWords } from "../docs/wording.ts";
import { block, code, inline, mermaidText, paragraphs, table } from "./markdown-syntax.ts";
import { joined, link, section } from "./section.ts";

export function operations(contract: Contract, channel: Channel): string {
  const own = contract.operations.filter((operation) => operation.channel === channel.id);
  const received = own.filter(({ action }) => action === "receive");
  const sent = own.filter(({ action }) => action === "send");
  return joined([
    section("### Client operations", ...received.map((operation) => operationSection(contract, operation))),
    section(
      "### Server events",
      table(
        ["event", "messages", "meaning"],
        sent.map(({ id, messages: names, summary }) => [code(id), names.map(link).join(", "), inline(summary)]),
      ),
    ),
  ]);
}

export function operationSection(contract: Contract, operation: Operation): string {
  const { id, summary, description, messages: names, requires, effects } = operation;
  const { yes, no } = repliesOf(contract, operation);
  const answered =
    operation.reply === undefined
      ? "No reply."
      : `Answered by ${yes.map(link).join(" or ")}${no.length === 0 ? "" : `, or rejected with ${no.map(link).join(" or ")}`}.`;
  const notes = operationNotes(operation);
  return section(
    `#### ${code(id)}`,
    inline(summary),
    paragraphs(description),
    `Sent as ${names.map(link).join(" or ")}. ${answered}${notes === "" ? "" : ` ${notes}`}`,
    block("mermaid", sequence(flowOf(contract, operation))),
    requires.length === 0 ? "" : "Checks, in order (first failure wins):",
    table(
      ["", "check", "error"],
      requires.map((requirement, index) => [
        String(index + 1),
        inline(requirementWords(requirement)),
        code(String(requirement.else)),
      ]),
    ),
    effects.length === 0 ? "" : effects.map((effect) => `- ${inline(effectWords(effect))}`).join("\n"),
  );
}

const mermaidIds = (parties: readonly string[]) => parties.map((_, index) => ["C", "S"][index] ?? `O${index - 1}`);

function sequence({ parties, request, refusal, steps }: Flow): string {
  const ids = mermaidIds(parties);
  const names = (messages: readonly string[]) => mermaidText(messages.join(" or ")) || "no message";
  const lines = [
    "sequenceDiagram",
    ...parties.map((name, index) => `  participant ${ids[index]} as ${mermaidText(name)}`),
    `  ${ids[request.from]}->>${ids[request.to]}: ${names(request.messages)}`,
  ];
  const indent = refusal === undefined ? "  " : "    ";
  const accepted = steps.map((step) => {
    if (step.kind === "send") return `${indent}${ids[step.from]}->>${ids[step.to]}: ${names(step.messages)}`;
    if (step.kind === "close") return `${indent}${ids[server]}-x${ids[client]}: close ${step.code}`;
    return `${indent}Note over ${ids[server]}: ${mermaidText(step.short)}`;
  });
  if (refusal === undefined) return [...lines, ...accepted].join("\n");
  return [
    ...lines,
    "  alt rejected",
    `    ${ids[request.to]}-->>${ids[request.from]}: ${names(refusal.messages)} ${mermaidText(refusal.codes.join(", "))}`,
    "  else accepted",
    ...accepted,
    "  end",
  ].join("\n");
}
