import { execFileSync } from "node:child_process";
import { chownSync, statSync } from "node:fs";
import { join } from "node:path";
import { makePostgresServer, type PostgresServer } from "./postgres-server.ts";

/** The reason why no certificate can be made; `null` if it can. */
export const whyNoCertificate = (() => {
  try {
    execFileSync("openssl", ["version"], { stdio: "ignore" });
    return null;
  } catch {
    return "there is no openssl in the PATH";
  }
})();

export interface TlsServer {
  readonly server: PostgresServer;
  /** The file of its own certificate. */
  readonly certificate: string;
}

/** Starts a server that speaks TLS, with a certificate for these names. */
export async function startTlsServer(names: string): Promise<TlsServer> {
  const server = await makePostgresServer();
  const certificate = join(server.directory, "server.crt");
  const key = join(server.directory, "server.key");
  const subject = ["-subj", "/CN=localhost", "-addext", `subjectAltName=${names}`];
  const files = ["-keyout", key, "-out", certificate];
  execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", ...subject, ...files], {
    stdio: "ignore",
  });
  const { uid, gid } = statSync(server.directory);
  for (const file of [key, certificate]) chownSync(file, uid, gid);
  await server.start(["-c", "ssl=on"]);
  return { server, certificate };
}
