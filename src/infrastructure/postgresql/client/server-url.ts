import { isIPv4, isIPv6 } from "node:net";
import { err, ok, type Result } from "neverthrow";
import { fail } from "../../../domain/shared/fail.ts";
import { readParameters, type ServerParameters } from "./server-url-parameters.ts";

/** The address of a server: a host and a port, or the file of a Unix socket. */
export type ServerHost =
  { readonly host: string; readonly port: number; readonly path?: never } | { readonly path: string };

/** A parsed URL of a PostgreSQL server, or of several hosts of which one is selected (PostgreSQL 18, 32.1.1.2). */
export interface ServerUrl extends ServerParameters {
  /** The URL to show, without the user, the password and the parameters. */
  readonly location: string;
  readonly hosts: readonly [ServerHost, ...ServerHost[]];
  /** `undefined` for the default of the driver: PGUSER, PGPASSWORD and PGDATABASE, then the name of the user. */
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: string | undefined;
}

export interface ServerUrlInvalid {
  readonly kind: "server_url_invalid";
  /** The description of the error. It never contains a part of the URL that may belong to a password. */
  readonly detail: string;
}

const DEFAULT_PORT = 5432;
const SHAPE = "must look like postgres://user:password@host:5432/database";
const ENCODING =
  "has a character in its user, password or parameters that must be percent-encoded: write % as %25, @ as %40, # as %23, / as %2F and ? as %3F";

/**
 * Parses a URL. The user and the password end at the last `@` of the authority, so that a raw `@` in a password is read as
 * browsers read it. An `@` after the authority, or a `#`, means that a raw `/`, `?` or `#` has cut the password in two.
 * Such a URL is refused, because a part of the password would be taken for a host and shown.
 */
export function parseServerUrl(raw: string): Result<ServerUrl, ServerUrlInvalid> {
  const parts = /^postgres(?:ql)?:\/\/([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?(#.*)?$/s.exec(raw.trim());
  if (parts === null) return invalid(SHAPE);
  const [, authority = "", path = "", query = "", fragment] = parts;
  if (fragment !== undefined || path.includes("@") || query.includes("@")) return invalid(ENCODING);
  const end = authority.lastIndexOf("@");
  const [user, password] = splitOnce(authority.slice(0, Math.max(end, 0)), ":");
  const named = decodedPairs({ user, password: password ?? "", dbname: path });
  const queried = query === "" ? ok({}) : decodedPairs(Object.fromEntries(query.split("&").map(pairOf)));
  if (named.isErr()) return err(named.error);
  if (queried.isErr()) return err(queried.error);

  const parameters = new Map(Object.entries(queried.value));
  const take = (name: string): string | undefined => {
    const value = parameters.get(name);
    parameters.delete(name);
    return value === "" ? undefined : value;
  };
  // libpq accepts each of them as a parameter too, and the parameter wins (PostgreSQL 18, 32.1.1.2).
  const identity = {
    user: take("user") ?? (named.value["user"] || undefined),
    password: take("password") ?? (named.value["password"] || undefined),
    database: take("dbname") ?? (named.value["dbname"] || undefined),
  };
  const written = authority.slice(end + 1);
  const [hostNames, ports] = [take("host") ?? written, take("port")];
  const hosts = parseHosts(hostNames, ports);
  if (hosts.isErr()) return err(hosts.error);
  const [first, ...others] = hosts.value;
  if (first === undefined) return invalid(SHAPE);
  const read = readParameters(parameters, hosts.value.every(isLocal));
  if (read.isErr()) return invalid(read.error);
  return ok({
    ...read.value,
    ...identity,
    location: locationOf(hosts.value, written, path),
    hosts: [first, ...others],
  });
}

function pairOf(pair: string): readonly [string, string] {
  const [name, value = ""] = splitOnce(pair, "=");
  return [name, value];
}

function splitOnce(text: string, separator: string): readonly [string, string?] {
  const at = text.indexOf(separator);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

/** Decodes as libpq does: `+` is a plus. */
function decodedPairs(pairs: Readonly<Record<string, string>>): Result<Record<string, string>, ServerUrlInvalid> {
  const read = Object.entries(pairs).map(([name, value]) => [name, decoded(value)] as const);
  if (read.some(([, value]) => value === null)) return invalid(ENCODING);
  return ok(Object.fromEntries(read) as Record<string, string>);
}

/** Parses hosts with their ports, or separate lists of hosts and ports; a single port is the port of all hosts. */
function parseHosts(names: string, ports: string | undefined): Result<readonly ServerHost[], ServerUrlInvalid> {
  const separate = ports?.split(",");
  const hosts = names.split(",").map((name, index) => {
    const port = separate?.[separate.length === 1 ? 0 : index];
    return parseHost(name, port);
  });
  return hosts.includes(null) ? invalid(SHAPE) : ok(hosts.filter((host) => host !== null));
}

function parseHost(raw: string, separatePort: string | undefined): ServerHost | null {
  const parts = isIPv6(raw) ? [raw, raw] : /^(\[[^\]]*\]|\/.*|[^:]*)(?::(\d*))?$/s.exec(raw);
  if (parts === null) return null;
  const [, written = "", writtenPort] = parts;
  const port = Number(separatePort || writtenPort || DEFAULT_PORT);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return null;
  const name = decoded(written.replace(/^\[(.*)\]$/, "$1"));
  if (name?.startsWith("/") === true) return { path: `${name.replace(/\/$/, "")}/.s.PGSQL.${port}` };
  // An IPv6 address may have a zone, such as %eth0.
  const isName = name !== null && (written.startsWith("[") ? isIPv6(name) : /^[\w.-]*$/.test(name) || isIPv6(name));
  return isName ? { host: name === "" ? "localhost" : name, port } : null;
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** The URL to show. Hosts that stood before the path are shown as written. */
function locationOf(hosts: readonly ServerHost[], written: string, path: string): string {
  if (written !== "" && hosts.every(({ path: file }) => file === undefined)) return `postgres://${written}/${path}`;
  const shown = hosts.map((host) => host.path?.replace(/\/\.s\.PGSQL\.\d+$/, "") ?? hostAndPort(host));
  return `postgres:///${path}?host=${shown.join(",")}`;
}

/** An address as a URL writes it. */
export function hostAndPort(address: ServerHost): string {
  if (address.path !== undefined) return address.path;
  return `${isIPv6(address.host) ? `[${address.host}]` : address.host}:${address.port}`;
}

function isLocal({ path, ...address }: ServerHost): boolean {
  if (path !== undefined || !("host" in address)) return true;
  const { host } = address;
  return host === "localhost" || host === "::1" || (isIPv4(host) && host.startsWith("127."));
}

function invalid(detail: string): Result<never, ServerUrlInvalid> {
  return fail({ kind: "server_url_invalid", detail });
}
