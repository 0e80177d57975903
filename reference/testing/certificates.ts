// A private authority and certificates of 127.0.0.1 for tests, made by openssl.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export class Certificates {
  readonly folder = mkdtempSync(join(tmpdir(), "wsproof-tls-"));
  /** Of the authority: what NODE_EXTRA_CA_CERTS names. */
  readonly caFile = join(this.folder, "ca.pem");
  readonly certFile = join(this.folder, "cert.pem");
  readonly keyFile = join(this.folder, "key.pem");

  constructor() {
    const caKey = join(this.folder, "ca-key.pem");
    this.#openssl("req", "-x509", ...this.#newKey(caKey), "-out", this.caFile, "-days", "2", "-subj", "/CN=test authority");
    this.issue();
  }

  get ca(): string {
    return readFileSync(this.caFile, "utf8");
  }

  /** Makes a new key and certificate, and puts them in place of those before, each in one step. */
  issue(): void {
    const [key, request, cert, extensions] = ["new-key.pem", "new.csr", "new-cert.pem", "extensions"].map((name) =>
      join(this.folder, name),
    ) as [string, string, string, string];
    writeFileSync(extensions, "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
    this.#openssl("req", "-new", ...this.#newKey(key), "-out", request, "-subj", "/CN=localhost");
    const signing = ["-CA", this.caFile, "-CAkey", join(this.folder, "ca-key.pem"), "-CAcreateserial", "-extfile", extensions];
    this.#openssl("x509", "-req", "-in", request, ...signing, "-days", "2", "-out", cert);
    renameSync(key, this.keyFile);
    renameSync(cert, this.certFile);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #newKey(file: string): string[] {
    return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", file];
  }

  #openssl(...args: string[]): void {
    execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"] });
  }
}
