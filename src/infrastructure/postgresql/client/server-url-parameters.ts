import { readFileSync } from "node:fs";
import type { ConnectionOptions, SecureVersion } from "node:tls";
import { err, ok, type Result } from "neverthrow";

/** The parameters of a connection in a URL. */
export interface ServerParameters {
  readonly tls: false | "prefer" | ConnectionOptions;
  /** Whether TLS begins with an SSLRequest, or directly (PostgreSQL 18, 32.19.5). */
  readonly tlsNegotiation: "postgres" | "direct";
  /** The role that a host must have to be selected; `null` for any. */
  readonly sessionAttributes: SessionAttributes | null;
  /** Overrides the configured connect timeout. */
  readonly connectTimeoutMs: number | null;
  /** TCP probes a connection that was idle for this long; `null` for never. */
  readonly keepAliveDelayMs: number | null;
  /** The maximum number of connections of a process, if it is below the configured one. */
  readonly maxConnections: number | null;
  /** Whether the server is behind a pooler in transaction mode, without session settings and prepared statements. */
  readonly isPooled: boolean;
  /** The parameters of the startup message. */
  readonly startup: Readonly<Record<string, string>>;
}

const SESSION_ATTRIBUTES = ["read-write", "read-only", "primary", "standby"] as const;
export type SessionAttributes = (typeof SESSION_ATTRIBUTES)[number];

const SSL_MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;
type SslMode = (typeof SSL_MODES)[number];

const TLS_VERSIONS: readonly SecureVersion[] = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];

/** A quarter of the idle timeout of usual firewalls and load balancers (Azure: 4 minutes). */
const DEFAULT_KEEP_ALIVE_S = 60;

/** The parameters that have no effect, each with the reason. */
const IGNORED: Readonly<Record<string, string>> = {
  fallback_application_name: "Quire sets application_name itself",
  gssdelegation: "Quire does not support GSSAPI",
  gsslib: "Quire does not support GSSAPI",
  keepalives_count: "Node cannot set it; the connection watchdog detects a dead connection earlier",
  keepalives_interval: "as keepalives_count",
  krbsrvname: "Quire does not support GSSAPI",
  load_balance_hosts: "host selection probes all hosts concurrently",
  pool_timeout: "a parameter of Prisma; QUIRE_REQUEST_TIMEOUT_MS limits the time of a request",
  sslcompression: "current TLS has no compression",
  sslsni: "the server name is always sent",
  supa: "a marker that a hosting service adds to its URLs",
  tcp_user_timeout: "as keepalives_count",
  uselibpqcompat: "sslmode always has the meaning that it has in libpq",
  workaround: "a marker that a hosting service adds to its URLs",
};

type Parameters = ReadonlyMap<string, string>;
type Read<T> = Result<T, string>;

/**
 * Reads the parameters of libpq (PostgreSQL 18, 32.1.2), and those that hosting services add to their URLs. It rejects
 * every other parameter and names it. A message never contains a value.
 */
export function readParameters(parameters: Parameters, isLocal: boolean): Read<ServerParameters> {
  const unknown = [...parameters.keys()].filter((name) => !(name in READERS) && !(name in IGNORED));
  // An invalid name may be a part of a password.
  const shown = unknown.map((name) => (/^\w{1,40}$/.test(name) ? name : "a name that is not shown"));
  if (unknown.length > 0) {
    return err(
      `has unknown parameters: ${shown.join(", ")}; remove them, or write a setting of PostgreSQL as options=-c%20name%3Dvalue`,
    );
  }
  for (const [name, value] of parameters) {
    const refusal = READERS[name]?.(value) ?? null;
    if (refusal !== null) return err(refusal);
  }
  return tlsOf(parameters, isLocal).map((tls) => parametersWith(tls, parameters));
}

function parametersWith(tls: ServerParameters["tls"], parameters: Parameters): ServerParameters {
  const text = (name: string) => parameters.get(name) || undefined;
  const seconds = Number(text("connect_timeout") ?? 0);
  const limit = text("connection_limit");
  const options = text("options");
  return {
    tls,
    tlsNegotiation: text("sslnegotiation") === "direct" ? "direct" : "postgres",
    sessionAttributes: SESSION_ATTRIBUTES.find((name) => name === text("target_session_attrs")) ?? null,
    // 0 means no timeout in libpq, and the configured timeout here.
    connectTimeoutMs: seconds === 0 ? null : seconds * 1000,
    keepAliveDelayMs: text("keepalives") === "0" ? null : keepAliveSeconds(text("keepalives_idle")) * 1000,
    maxConnections: limit === undefined ? null : Number(limit),
    isPooled: text("pgbouncer") === "true",
    startup: {
      application_name: text("application_name") ?? "quire",
      ...(options === undefined ? {} : { options }),
    },
  };
}

/** libpq reads 0 as the default of the system, and Node as no delay. */
function keepAliveSeconds(raw: string | undefined): number {
  const seconds = Number(raw ?? 0);
  return seconds === 0 ? DEFAULT_KEEP_ALIVE_S : seconds;
}

type Refuse = (value: string) => string | null;

const anything: Refuse = () => null;
const oneOf =
  (name: string, ...values: readonly string[]): Refuse =>
  (value) =>
    value === "" || values.includes(value) ? null : `has an invalid ${name}: use one of ${values.join(", ")}`;
const wholeNumber =
  (name: string, min: number): Refuse =>
  (value) =>
    value === "" || (/^\d{1,6}$/.test(value) && Number(value) >= min)
      ? null
      : `has an invalid ${name}: use a whole number of at least ${min}`;

/** The known parameters, each with a check of its value. */
const READERS: Readonly<Record<string, Refuse>> = {
  application_name: anything,
  channel_binding: oneOf("channel_binding", "disable", "prefer", "require"),
  client_encoding: (value) =>
    /^(?:|auto|utf-?8|unicode)$/i.test(value)
      ? null
      : "has a client_encoding other than UTF8, the only one that Quire supports",
  connect_timeout: wholeNumber("connect_timeout", 0),
  connection_limit: wholeNumber("connection_limit", 1),
  gssencmode: (value) =>
    value === "require"
      ? "has gssencmode=require, but Quire does not support GSSAPI: use TLS (sslmode)"
      : oneOf("gssencmode", "disable", "prefer")(value),
  keepalives: oneOf("keepalives", "0", "1"),
  keepalives_idle: wholeNumber("keepalives_idle", 0),
  options: anything,
  pgbouncer: oneOf("pgbouncer", "true", "false"),
  schema: (value) =>
    value === "" || value === "public" ? null : "has a schema other than public, the only one that Quire supports",
  ssl: () => "has the ambiguous parameter ssl: use sslmode=require or sslmode=verify-full",
  ssl_max_protocol_version: oneOf("ssl_max_protocol_version", ...TLS_VERSIONS),
  ssl_min_protocol_version: oneOf("ssl_min_protocol_version", ...TLS_VERSIONS),
  sslcert: anything,
  sslkey: anything,
  sslmode: oneOf("sslmode", ...SSL_MODES, "no-verify"),
  sslnegotiation: oneOf("sslnegotiation", "postgres", "direct"),
  sslpassword: anything,
  sslrootcert: anything,
  target_session_attrs: oneOf("target_session_attrs", "any", ...SESSION_ATTRIBUTES),
};

/**
 * The TLS options. By default the certificate of a server on another machine is verified, whereas libpq would accept any
 * server, and a server on this machine is reached without TLS.
 */
function tlsOf(parameters: Parameters, isLocal: boolean): Read<ServerParameters["tls"]> {
  const text = (name: string) => parameters.get(name) || undefined;
  const sslMode = text("sslmode") === "no-verify" ? "require" : text("sslmode");
  const root = text("sslrootcert");
  let mode = (sslMode ?? (isLocal ? "disable" : "verify-full")) as SslMode;
  if (text("channel_binding") === "require") {
    if (mode === "disable") return err("has channel_binding=require without TLS: use sslmode=verify-full");
    // The driver has no channel binding. A verified certificate protects from a machine in the middle too.
    if (mode !== "verify-ca") mode = "verify-full";
  }
  // As in libpq, `require` with a root certificate means `verify-ca`, and with the certificates of the system `verify-full`.
  if (mode === "require" && root !== undefined) mode = root === "system" ? "verify-full" : "verify-ca";
  if (mode === "disable") return ok(false);
  if (mode === "allow" || mode === "prefer") return ok("prefer");
  const [minVersion, maxVersion] = [text("ssl_min_protocol_version"), text("ssl_max_protocol_version")];
  const versions = {
    ...(minVersion === undefined ? {} : { minVersion: minVersion as SecureVersion }),
    ...(maxVersion === undefined ? {} : { maxVersion: maxVersion as SecureVersion }),
  };
  const passphrase = text("sslpassword");
  const files = {
    ca: root === "system" || mode === "require" ? undefined : root,
    cert: text("sslcert"),
    key: text("sslkey"),
  };
  return readFiles(files).map((contents) => ({
    ...versions,
    ...contents,
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(mode === "require" ? { rejectUnauthorized: false } : {}),
    // verify-ca accepts every name in a certificate of a known authority.
    ...(mode === "verify-ca" ? { checkServerIdentity: () => undefined } : {}),
  }));
}

const FILE_PARAMETERS = { ca: "sslrootcert", cert: "sslcert", key: "sslkey" } as const;

function readFiles(files: Readonly<Record<keyof typeof FILE_PARAMETERS, string | undefined>>): Read<ConnectionOptions> {
  const contents: Record<string, string> = {};
  for (const option of ["ca", "cert", "key"] as const) {
    const file = files[option];
    if (file === undefined) continue;
    try {
      contents[option] = readFileSync(file, "utf8");
    } catch {
      return err(`has an unreadable file as its ${FILE_PARAMETERS[option]}: check its path and its permissions`);
    }
  }
  return ok(contents);
}
