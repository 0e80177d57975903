// Close codes and error codes: duplicate, reserved, unreachable, or not what the error message allows.
import type { Contract, DocumentPointer, ErrorValue, Finding } from "../contract.ts";
import { allowedAt } from "../schema-walk.ts";
import { at, type SourceTree } from "../source-tree.ts";
import { type Check, choices } from "./check.ts";

export const checkCloseCodes: Check = ({ tree, contract }) =>
  contract.channels.flatMap(({ closeCodes }) =>
    closeCodes.flatMap((entry, index) => {
      const place = `${entry.pointer}/code`;
      const findings: Finding[] = [];
      const earlier = closeCodes.slice(0, index).find(({ code, name }) => code === entry.code || name === entry.name);
      if (earlier !== undefined) {
        findings.push(
          at(tree, earlier.code === entry.code ? place : `${entry.pointer}/name`, {
            severity: "error",
            id: "close-code-duplicate",
            expected: "each code and each name once",
            actual: `${entry.code} ${entry.name} after ${earlier.code} ${earlier.name}`,
            fix: "merge the two entries and give both reasons in `when`",
          }),
        );
      }
      if (entry.code >= 3000 && entry.code <= 3999) {
        findings.push(
          at(tree, place, {
            severity: "error",
            id: "close-code-registered",
            expected: "an application code from 4000 to 4999",
            actual: `${entry.code}, which is for libraries that register with IANA (RFC 6455 section 7.4.2)`,
            fix: `choose a code from 4000 on, such as ${entry.code + 1000}`,
          }),
        );
      }
      if (entry.code < 1000 || entry.code > 4999 || [1004, 1005, 1006, 1015].includes(entry.code) || isUnassigned(entry.code)) {
        findings.push(
          at(tree, place, {
            severity: "error",
            id: "close-code-reserved",
            expected: "a code allowed in a close frame (RFC 6455 section 7.4)",
            actual: String(entry.code),
            fix: "choose a code from 4000 to 4999",
          }),
        );
      }
      return findings;
    }),
  );

const isUnassigned = (code: number) => code > 1015 && code < 3000;

export const checkErrorCodes: Check = ({ tree, contract }) => {
  const { errors } = contract;
  if (errors === undefined) return [];
  const named = errorsNamed(contract);
  const findings = errors.codes.flatMap((entry, index): Finding[] => {
    if (errors.codes.slice(0, index).some(({ code, when }) => code === entry.code && when === entry.when)) {
      return [
        at(tree, `${entry.pointer}/code`, {
          severity: "error",
          id: "error-code-duplicate",
          expected: "each error code once for each `when`",
          actual: `${entry.code} again`,
          fix: "merge the two",
        }),
      ];
    }
    if (entry.when !== "required" || named.has(entry.code)) return [];
    return [
      at(tree, `${entry.pointer}/code`, {
        severity: "error",
        id: "error-code-unreachable",
        expected: `a requirement or limit that leads to ${entry.code}`,
        actual: "none names it",
        fix: "name it in an `else` of x-requires or an `error` of a limit, say another `when`, or remove it",
      }),
    ];
  });
  return [...findings, ...checkEnum(tree, contract)];
};

/** Codes that a requirement, limit or rate limit leads to. */
function errorsNamed(contract: Contract): Set<ErrorValue | undefined> {
  return new Set([
    ...contract.operations.flatMap(({ requires }) =>
      requires.flatMap((requirement) => (requirement.kind === "may" ? requirement.codes : [requirement.else])),
    ),
    ...contract.channels.flatMap(({ limits, rateLimits }) => [...limits, ...rateLimits].map(({ error }) => error)),
  ]);
}

/** The codes that the message can carry are those that x-errors lists. */
function checkEnum(tree: SourceTree, contract: Contract): Finding[] {
  const { reply, codes } = contract.errors!;
  const message = contract.messages.find(({ name }) => name === reply.message);
  if (message === undefined || reply.code === undefined) return [];
  const allowed = allowedAt(message.payload, reply.code, contract.definitions);
  if (allowed === undefined) return [];
  const listed = codes.map(({ code }) => code);
  const disagree = (place: DocumentPointer, expected: string, actual: string, fix: string) =>
    at(tree, place, { severity: "error", id: "error-enum-disagrees", expected, actual, fix });
  const others = contract.errors!.replies.filter((one) => one.message !== reply.message);
  return [
    ...codes
      .filter(({ code }) => !allowed.includes(code) && !others.some((one) => mayCarry(contract, one, code)))
      .map(({ code, pointer }) =>
        disagree(
          `${pointer}/code`,
          `a code that ${message.name} may carry at ${reply.code}: ${choices(allowed.map(String))}`,
          String(code),
          "add it to the enum of the message's schema",
        ),
      ),
    ...allowed
      .filter((code) => !listed.includes(code as ErrorValue))
      .map((code) =>
        disagree(
          "#/x-errors/codes",
          `${code}, which the schema of ${message.name} allows`,
          "x-errors does not list it",
          "add it here, or remove it from the enum",
        ),
      ),
  ];
}

/** Whether another error message can carry the code. */
function mayCarry(
  { messages, definitions }: Contract,
  reply: NonNullable<Contract["errors"]>["replies"][number],
  code: ErrorValue,
): boolean {
  const message = messages.find(({ name }) => name === reply.message);
  if (message === undefined || reply.code === undefined) return false;
  return allowedAt(message.payload, reply.code, definitions)?.includes(code) ?? true;
}
