import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { ok, type Result } from "neverthrow";
import { fail } from "../../domain/fail.ts";

/** A URL of a PostgreSQL server, or of several of which one is taken (PostgreSQL 18, 32.1.1.2). */
export interface ServerUrl {
  readonly url: string;
  readonly tls: false | "prefer" | ConnectionOptions;
}

export interface ServerUrlInvalid {
  readonly kind: "server_url_invalid";
  /** What must be otherwise; never the URL, which may hold a password. */
  readonly detail: string;
}

const SSL_MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;
type SslMode = (typeof SSL_MODES)[number];

/** What is spent by this module, and must not be sent to the server as a setting. */
const OWN_PARAMETERS = ["sslmode", "sslrootcert"];

/**
 * Reads a URL. A server on another machine is verified by its certificate unless `sslmode` says otherwise, where libpq
 * would take whoever answers; on this machine there is no TLS by default.
 */
export function parseServerUrl(raw: string): Result<ServerUrl, ServerUrlInvalid> {
  const parts = /^(postgres(?:ql)?:\/\/(?:[^@/?#]*@)?)([^/?#]*)(.*)$/.exec(raw);
  if (parts === null) return invalid("must look like postgres://user:password@host:5432/database");
  const [, beginning = "", hosts = "", rest = ""] = parts;
  // Several hosts are no URL to the standard, so it is read with the first alone.
  const withFirst = `${beginning}${hosts.split(",")[0]}${rest}`;
  if (!URL.canParse(withFirst)) return invalid("must look like postgres://user:password@host:5432/database");
  const url = new URL(withFirst);
  const mode = url.searchParams.get("sslmode") ?? (hosts.split(",").every(isLocal) ? "disable" : "verify-full");
  if (!isSslMode(mode)) return invalid(`has an sslmode that is none of ${SSL_MODES.join(", ")}`);
  const rootCertificate = url.searchParams.get("sslrootcert");
  for (const parameter of OWN_PARAMETERS) url.searchParams.delete(parameter);
  return tlsOf(mode, rootCertificate).map((tls) => ({ url: `${beginning}${hosts}${url.pathname}${url.search}`, tls }));
}

/** The URL as it can be shown: without the user, the password and the parameters. */
export function withoutSecrets({ url }: ServerUrl): string {
  return url.replace(/\/\/[^@/?#]*@/, "//").replace(/\?.*$/, "");
}

function tlsOf(mode: SslMode, rootCertificate: string | null): Result<ServerUrl["tls"], ServerUrlInvalid> {
  if (mode === "disable") return ok(false);
  if (mode === "allow" || mode === "prefer") return ok("prefer");
  if (mode === "require") return ok({ rejectUnauthorized: false });
  // verify-ca asks for a certificate of a known authority, whoever it names.
  const identity = mode === "verify-ca" ? { checkServerIdentity: () => undefined } : {};
  if (rootCertificate === null || rootCertificate === "system") return ok(identity);
  try {
    return ok({ ...identity, ca: readFileSync(rootCertificate, "utf8") });
  } catch {
    return invalid("names an sslrootcert that cannot be read");
  }
}

function isSslMode(mode: string): mode is SslMode {
  return (SSL_MODES as readonly string[]).includes(mode);
}

function isLocal(host: string): boolean {
  const name = host.replace(/:\d+$/, "");
  return name === "" || name === "localhost" || name === "[::1]" || (isIP(name) === 4 && name.startsWith("127."));
}

function invalid(detail: string): Result<never, ServerUrlInvalid> {
  return fail({ kind: "server_url_invalid", detail });
}
