// Every rule of a run for `--list`, and whether the document promises what it checks. Pure.
import type { ContractUnderTest } from "../client/context.ts";
import type { Rule } from "../conformance/rule.ts";
import type { Palette } from "./failure-text.ts";

/** Level, id and title by phase; grey where no endpoint of this document promises it. */
export function emitList(rules: readonly Rule[], subjects: ReadonlyMap<string, ContractUnderTest>, palette: Palette): string {
  const lines: string[] = [];
  let phase = "";
  for (const rule of rules) {
    if (rule.phase !== phase) {
      phase = rule.phase;
      lines.push(...(lines.length > 0 ? [""] : []), palette.bold(phase));
    }
    const promises = [...subjects.values()].reduce((count, subject) => count + rule.from(subject).length, 0);
    const line = `  ${rule.level.padEnd(6)} ${rule.id}: ${rule.title}`;
    lines.push(promises > 0 ? line : palette.gray(`${line} (not declared in this document)`));
  }
  const applying = [...subjects].map(([path, subject]) => {
    const count = rules.filter((rule) => rule.from(subject).length > 0).length;
    return subjects.size === 1 ? `${count} apply to this document` : `${count} apply to ${path}`;
  });
  const summary = subjects.size === 0 ? "none applies: this document has no WebSocket channel" : applying.join(", ");
  return `${lines.join("\n")}\n\n${rules.length} rules, ${summary}\n`;
}
