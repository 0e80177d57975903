// The certificate of the server, read from two files that may change while it runs.
import { readFileSync, unwatchFile, watchFile } from "node:fs";
import { createSecureContext } from "node:tls";

/** Paths of PEM files. */
export interface TlsFiles {
  /** The certificate, and those of intermediate authorities behind it. */
  readonly cert: string;
  readonly key: string;
}

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** How often the files are looked at, in ms. Polled, because a mounted secret is often replaced, not written. */
const pollMs = 1_000;

/** @throws Error that names TLS_CERT or TLS_KEY and the mistake */
export function readCertificate(files: TlsFiles): Certificate {
  const read = (name: string, path: string): string => {
    try {
      return readFileSync(path, "utf8");
    } catch (error) {
      throw new Error(`${name}: cannot read ${path}: ${(error as Error).message}`);
    }
  };
  const certificate = { cert: read("TLS_CERT", files.cert), key: read("TLS_KEY", files.key) };
  try {
    createSecureContext(certificate);
  } catch (error) {
    const { message } = error as Error;
    throw new Error(
      `TLS_CERT and TLS_KEY: expected a certificate and its key in PEM, got ${files.cert} and ${files.key}: ${message}`,
    );
  }
  return certificate;
}

/**
 * Reads the files again when one changes. While they do not fit together, as between the two writes of a renewal, the certificate before
 * stays in force.
 * @returns stops watching
 */
export function watchCertificate(
  files: TlsFiles,
  onChange: (certificate: Certificate) => void,
  onError: (error: Error) => void,
): () => void {
  const look = (): void => {
    try {
      onChange(readCertificate(files));
    } catch (error) {
      onError(error as Error);
    }
  };
  for (const path of [files.cert, files.key]) watchFile(path, { interval: pollMs, persistent: false }, look);
  return () => {
    for (const path of [files.cert, files.key]) unwatchFile(path, look);
  };
}
