// The document of a run, and which of its endpoints the URL means.

import type { Contract } from "../../spec/contract.ts";
import { endpointFor, endpointsOf, pathOf } from "../../spec/endpoints.ts";
import { defaultSpecFile, loadContract } from "../../spec/load-contract.ts";
import type { ContractUnderTest } from "../client/context.ts";
import { withDrawnExamples } from "../schema/drawn-examples.ts";
import { UsageError } from "../schema/errors.ts";

export interface DocumentChoice {
  /** Undefined: the document of rooms.v1. */
  readonly spec: string | undefined;
  readonly perspective: "server" | "client" | undefined;
  readonly overlay: string | undefined;
  /** The one server of the document that counts. */
  readonly server: string | undefined;
  /** Values of server variables and parameters, by name. */
  readonly variables: Readonly<Record<string, string>> | undefined;
  readonly urls: readonly string[];
  /** Ids of operations that are never sent. */
  readonly excludeOperations?: readonly string[] | undefined;
}

/** @throws UsageError, with file and line, where the document cannot be used */
export async function loadUsable(asked: DocumentChoice): Promise<Contract> {
  const file = asked.spec ?? defaultSpecFile;
  const { perspective, overlay, server, variables } = asked;
  const { contract, findings } = await loadContract({ file, perspective, overlay, server, variables });
  if (contract !== undefined) {
    if (server !== undefined && contract.servers.length === 0) {
      const names = (await loadContract({ file, perspective, overlay })).contract?.servers.map(({ name }) => name) ?? [];
      throw new UsageError(
        `--server ${server}: ${file} has ${names.length === 0 ? "no servers" : `the servers ${names.join(", ")}`}`,
      );
    }
    expectDeclaredValues(contract, variables ?? {});
    return withoutUnansweredFences(contract);
  }
  const [finding] = findings.filter(({ blocking }) => blocking);
  const where = finding === undefined ? file : `${finding.file}:${finding.line}:${finding.column}`;
  throw new UsageError(
    `the document cannot be used: ${where}: expected ${finding?.expected}, got ${finding?.actual}. Fix: ${finding?.fix}. \`wsproof lint --spec ${file}\` says more.`,
  );
}

/** @throws UsageError for a value that a variable or parameter with declared values does not have */
function expectDeclaredValues({ servers, channels }: Contract, given: Readonly<Record<string, string>>): void {
  const declared = [...servers.flatMap(({ variables }) => variables), ...channels.flatMap(({ parameters }) => parameters)];
  for (const { name, values } of declared) {
    const value = given[name];
    if (value !== undefined && values.length > 0 && !values.includes(value))
      throw new UsageError(`--var ${name}=${value}: the document declares ${values.join(", ")}`);
  }
}

/** A fence that is no request of the client with a reply fences nothing: lint names it, and the run does without. */
function withoutUnansweredFences(contract: Contract): Contract {
  const isRequest = (id: string | undefined, channel: string) =>
    contract.operations.some(
      (one) => one.id === id && one.action === "receive" && one.channel === channel && one.reply !== undefined,
    );
  const channels = contract.channels.map((channel) =>
    channel.delivery === undefined || isRequest(channel.delivery.fence, channel.id)
      ? channel
      : { ...channel, delivery: { ...channel.delivery, fence: undefined } },
  );
  return { ...contract, channels };
}

/** Undefined where the document has no endpoint for the URL. @throws UsageError where the document cannot be used */
export async function loadContractUnderTest(asked: DocumentChoice): Promise<ContractUnderTest | undefined> {
  return subjectFor(await loadUsable(asked), asked.urls[0]);
}

/**
 * The URLs of the run: those that were given, else that of the chosen server.
 * @throws UsageError where the server has several endpoints, or its URL has a variable without a value
 */
export async function targetUrls(asked: DocumentChoice): Promise<readonly string[]> {
  if (asked.urls.length > 0 || asked.server === undefined) return asked.urls;
  const endpoints = endpointsOf(await loadUsable(asked));
  const urls = endpoints.flatMap((endpoint) => endpoint.urls);
  const [url] = urls;
  if (urls.length !== 1 || url === undefined) {
    throw new UsageError(`--server ${asked.server} has ${urls.length} WebSocket URLs: ${urls.join(", ")}. Give one of them.`);
  }
  const [, variable] = /\{([^{}]*)\}/.exec(url) ?? [];
  if (variable !== undefined) throw new UsageError(`${url} needs a value: give --var ${variable}=VALUE`);
  return urls;
}

/** Without a URL every endpoint of the document, by its path; with one the endpoint that it means. */
export async function loadEndpoints(asked: DocumentChoice): Promise<ReadonlyMap<string, ContractUnderTest>> {
  const contract = await loadUsable(asked);
  const [url] = asked.urls;
  const paths = url === undefined ? endpointsOf(contract).map(({ path }) => path) : [new URL(url).pathname];
  return new Map(
    paths.flatMap((path) => {
      const subject = subjectFor(contract, url ?? `ws://localhost${path}`);
      return subject === undefined ? [] : [[path, subject] as const];
    }),
  );
}

function subjectFor(contract: Contract, url: string | undefined): ContractUnderTest | undefined {
  const found = endpointFor(contract, url);
  if (found === undefined) return undefined;
  return { contract: withDrawnExamples(found.contract), channel: found.channel };
}

/** @throws UsageError where the document has no such operation */
function without(contract: Contract, excluded: readonly string[]): Contract {
  const ids = contract.operations.map(({ id }) => id);
  const unknown = excluded.find((id) => !ids.includes(id));
  if (unknown !== undefined)
    throw new UsageError(`--exclude-operation ${unknown}: no such operation; there are ${ids.join(", ")}`);
  const operations = contract.operations.map((one) => (excluded.includes(one.id) ? { ...one, exercise: "never" as const } : one));
  return { ...contract, operations };
}

/** @throws UsageError where the document cannot be used, has no channel for the URL, or is not that of the server that we would start */
export async function expectContractUnderTest(asked: DocumentChoice): Promise<ContractUnderTest> {
  const contract = without(await loadUsable(asked), asked.excludeOperations ?? []);
  const subject = subjectFor(contract, asked.urls[0]);
  if (subject === undefined) throw new UsageError(noEndpoint(contract, asked.spec ?? defaultSpecFile, asked.urls[0]));
  if (asked.urls.length === 0 && asked.spec !== undefined) {
    throw new UsageError(
      "--spec is given but no URL: the reference server speaks only its own document. Give the URL of the server.",
    );
  }
  return subject;
}

function noEndpoint(contract: Contract, file: string, url: string | undefined): string {
  const endpoints = endpointsOf(contract);
  if (endpoints.length === 0) {
    const protocols = [...new Set(contract.servers.map(({ protocol }) => protocol))].join(", ");
    return `the document ${file} has no WebSocket channel${protocols === "" ? "" : ` (its servers speak ${protocols})`}. Give another document with --spec, or write protocol ws or a ws binding into this one.`;
  }
  const paths = endpoints.map(({ path }) => path).join(", ");
  const asked = url === undefined ? "none is chosen" : `${url} is none of them`;
  return `the document ${file} has ${endpoints.length} endpoints, and ${asked}: ${paths}. Give a URL with one of these paths.`;
}

/** A URL without a path means the endpoint of the document. */
export function withPath(url: string, { contract, channel }: Pick<ContractUnderTest, "contract" | "channel">): string {
  const parsed = new URL(url);
  const path = pathOf(contract, channel);
  return parsed.pathname === "/" && !url.endsWith("/") && !path.includes("{") ? new URL(path, parsed).href : url;
}
