// The file of --ca.
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { UsageError } from "../schema/errors.ts";

/** @throws UsageError where the file cannot be read or begins with no certificate in PEM */
export function loadCa(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    const pem = readFileSync(file, "utf8");
    new X509Certificate(pem);
    return pem;
  } catch (error) {
    throw new UsageError(
      `--ca ${file}: expected a file with certificates in PEM, got ${(error as NodeJS.ErrnoException).code ?? "something else"}`,
    );
  }
}
