// The document of a run, and which of its channels the URL means.
import { defaultSpecFile, loadContract } from "../../spec/load-contract.ts";
import { withDrawnExamples } from "../schema/drawn-examples.ts";
import { UsageError } from "../schema/errors.ts";
import { channelFor } from "./check.ts";
import type { ContractUnderTest } from "./rule.ts";
import type { Settings } from "./settings.ts";

type Selection = Pick<Settings, "spec" | "perspective" | "overlay" | "urls">;

/** Undefined where the document has no channel for the URL. @throws UsageError, with file and line, where the document cannot be used */
export async function loadContractUnderTest(asked: Selection): Promise<ContractUnderTest | undefined> {
  const file = asked.spec ?? defaultSpecFile;
  const { contract, findings } = await loadContract({ file, perspective: asked.perspective, overlay: asked.overlay });
  if (contract === undefined) {
    const [finding] = findings.filter(({ blocking }) => blocking);
    const where = finding === undefined ? file : `${finding.file}:${finding.line}:${finding.column}`;
    throw new UsageError(
      `the document cannot be used: ${where}: expected ${finding?.expected}, got ${finding?.actual}. Fix: ${finding?.fix}. \`wsproof lint --spec ${file}\` says more.`,
    );
  }
  const path = asked.urls[0] === undefined ? "" : new URL(asked.urls[0]).pathname;
  const channel = channelFor(contract.channels, path);
  return channel === undefined ? undefined : { contract: withDrawnExamples(contract), channel };
}

/** @throws UsageError where the document cannot be used, has no channel for the URL, or is not that of the server that we would start */
export async function expectContractUnderTest(asked: Selection): Promise<ContractUnderTest> {
  const subject = await loadContractUnderTest(asked);
  if (subject === undefined) {
    throw new UsageError(
      `the document ${asked.spec ?? defaultSpecFile} has no WebSocket channel whose address fits ${asked.urls[0] ?? "the reference server"}. Correct the URL's path, or give the document with --spec.`,
    );
  }
  if (asked.urls.length === 0 && asked.spec !== undefined) {
    throw new UsageError(
      "--spec is given but no URL: the reference server speaks only its own document. Give the URL of the server.",
    );
  }
  return subject;
}

/** A URL without a path means the channel's address. */
export function withPath(url: string, address: string): string {
  const parsed = new URL(url);
  return parsed.pathname === "/" && !url.endsWith("/") && !address.includes("{") ? new URL(address, parsed).href : url;
}
