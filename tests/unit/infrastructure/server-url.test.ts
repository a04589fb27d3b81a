import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { hostAndPort, parseServerUrl } from "../../../src/infrastructure/postgresql/client/server-url.ts";

const parse = (raw: string) => parseServerUrl(raw)._unsafeUnwrap();
const refusalOf = (raw: string) => parseServerUrl(raw)._unsafeUnwrapErr().detail;
const tlsOf = (raw: string) => parse(raw).tls;

const THIS_FILE = fileURLToPath(import.meta.url);
const ENCODING = "must be percent-encoded";
const SHAPE = "must look like postgres://user:password@host:5432/database";

describe("the TLS settings of a server URL", () => {
  it.each([
    ["postgres://ada:secret@db.example.org:5433/quire", "verified by its certificate", {}],
    ["postgresql://db.example.org/quire", "verified by its certificate", {}],
    ["postgres://localhost/quire", "local, so without TLS", false],
    ["postgres://127.0.0.1:5432,127.0.0.2:5433/quire", "local, so without TLS", false],
    ["postgres://ada@[::1]:5432/quire", "local, so without TLS", false],
    ["postgres:///quire?host=/run/postgresql", "local, so without TLS", false],
    ["postgres://localhost,db.example.org/quire", "verified when one of several hosts is remote", {}],
    ["postgres:///quire?host=db.example.org", "verified when the host is a parameter", {}],
    ["postgres://ada@[2001:db8::1]/quire", "verified for an IP address", {}],
    ["postgres://localhost/quire?sslmode=verify-full", "verified with sslmode=verify-full", {}],
    ["postgres://db.example.org/quire?sslmode=disable", "without TLS with sslmode=disable", false],
    ["postgres://db.example.org/quire?sslmode=prefer", "with TLS if the server supports it", "prefer"],
    [
      "postgres://db.example.org/quire?sslmode=require",
      "with TLS and without verification",
      { rejectUnauthorized: false },
    ],
    [
      "postgres://db.example.org/quire?sslmode=no-verify",
      "with TLS and without verification",
      { rejectUnauthorized: false },
    ],
    ["postgres://db.example.org/quire?sslrootcert=system", "verified by the system's authorities", {}],
    ["postgres://db.example.org/quire?sslmode=require&sslrootcert=system", "verified in full, as libpq does", {}],
    [
      "postgres://db.example.org/quire?sslmode=require&channel_binding=require",
      "verified instead of channel binding",
      {},
    ],
    [
      "postgres://db.example.org/quire?ssl_min_protocol_version=TLSv1.3",
      "with a minimum version",
      { minVersion: "TLSv1.3" },
    ],
  ])("%s is %s", (raw, _case, tls) => {
    expect(tlsOf(raw)).toEqual(tls);
  });

  it("ignores the name in a certificate with verify-ca", () => {
    const tls = tlsOf("postgres://db.example.org/quire?sslmode=verify-ca");
    expect(tls).toEqual({ checkServerIdentity: expect.any(Function) as unknown });
    expect((tls as { checkServerIdentity(): unknown }).checkServerIdentity()).toBeUndefined();
  });

  it("still ignores the name in a certificate when verify-ca comes with channel_binding=require", () => {
    const tls = tlsOf("postgres://db.example.org/quire?sslmode=verify-ca&channel_binding=require");
    expect(tls).toEqual({ checkServerIdentity: expect.any(Function) as unknown });
  });

  it("treats require with a root certificate as verify-ca, like libpq", () => {
    const tls = tlsOf(`postgres://db.example.org/quire?sslmode=require&sslrootcert=${THIS_FILE}`);
    expect(tls).toEqual({
      ca: expect.stringContaining("sslrootcert") as unknown,
      checkServerIdentity: expect.any(Function) as unknown,
    });
  });

  it("reads a client certificate from files", () => {
    const files = `sslcert=${THIS_FILE}&sslkey=${THIS_FILE}&sslpassword=secret`;
    const text = expect.stringContaining("vitest") as unknown;
    expect(tlsOf(`postgres://db.example.org/quire?${files}`)).toEqual({ cert: text, key: text, passphrase: "secret" });
  });
});

describe("the address in a server URL", () => {
  it.each([
    ["postgres://localhost/quire", ["localhost:5432"], "postgres://localhost/quire"],
    ["postgres:///quire", ["localhost:5432"], "postgres:///quire?host=localhost:5432"],
    ["postgres://db.example.org:5433/quire", ["db.example.org:5433"], "postgres://db.example.org:5433/quire"],
    ["postgres://ada:secret@a:1,b:2/quire", ["a:1", "b:2"], "postgres://a:1,b:2/quire"],
    ["postgres://[::1]:5433,[fe80::1%25eth0]/quire", ["[::1]:5433", "[fe80::1%eth0]:5432"], undefined],
    ["postgres:///quire?host=a,b&port=1,2", ["a:1", "b:2"], "postgres:///quire?host=a:1,b:2"],
    ["postgres:///quire?host=::1,b&port=7", ["[::1]:7", "b:7"], "postgres:///quire?host=[::1]:7,b:7"],
    ["postgresql:///quire?host=/run/pg", ["/run/pg/.s.PGSQL.5432"], "postgres:///quire?host=/run/pg"],
    ["postgres://ada@/quire?host=/run/pg&port=6", ["/run/pg/.s.PGSQL.6"], "postgres:///quire?host=/run/pg"],
    ["postgres://ada@%2Frun%2Fpg:5433/quire", ["/run/pg/.s.PGSQL.5433"], "postgres:///quire?host=/run/pg"],
    [" postgres://localhost/quire\n", ["localhost:5432"], "postgres://localhost/quire"],
  ])("%s names %s", (raw, hosts, place) => {
    const server = parse(raw);
    expect(server.hosts.map(hostAndPort)).toEqual(hosts);
    if (place !== undefined) expect(server.location).toBe(place);
  });

  it.each([
    "mysql://localhost/quire",
    "localhost:5432",
    "jdbc:postgresql://localhost/quire",
    '"postgres://localhost/quire"',
    "postgres://host:port/quire",
    "postgres://host:0/quire",
    "postgres://host:65536/quire",
    "postgres://[::g]/quire",
    "postgres://ho st/quire",
    "postgres:///quire?host=a&port=x",
  ])("%s is rejected", (raw) => {
    expect(refusalOf(raw)).toBe(SHAPE);
  });
});

describe("the user and the password in a server URL", () => {
  it.each([
    ["postgres://ada:secret@localhost/quire", "ada", "secret"],
    ["postgres://ada:p%40%25%23%2F%3F%3Ass@localhost/quire", "ada", "p@%#/?:ss"],
    ["postgres://ada:se@cret@localhost/quire", "ada", "se@cret"],
    ["postgres://ada:se@cret9@[::1]:5432/quire", "ada", "se@cret9"],
    ["postgres://ada:a:b@localhost/quire", "ada", "a:b"],
    ["postgres://ada%40tenant:x@localhost/quire", "ada@tenant", "x"],
    ["postgres://ada:a+b@localhost/quire?application_name=a+b", "ada", "a+b"],
    ["postgres://localhost/quire?user=ada&password=p%40ss", "ada", "p@ss"],
    ["postgres://localhost/quire", undefined, undefined],
  ])("%s are %s and %s", (raw, user, password) => {
    const server = parse(raw);
    expect([server.user, server.password, server.database]).toEqual([user, password, "quire"]);
    expect(server.location).not.toMatch(/cret|ss|ada|a\+b/);
  });

  it.each([
    ["%", "postgres://ada:s3cret%@localhost/quire"],
    ["% before a digit", "postgres://ada:s3cret%4@localhost/quire"],
    ["% with invalid UTF-8", "postgres://ada:s3cret%FF@localhost/quire"],
    ["% in a parameter", "postgres://localhost/quire?password=s3cret%"],
    ["#", "postgres://ada:s3#cret@localhost/quire"],
    ["# after an @", "postgres://ada:s3@s3#cret@localhost/quire"],
    ["/", "postgres://ada:s3/s3cret@localhost/quire"],
    ["/ after a number", "postgres://ada:5432/s3cret@localhost/quire"],
    ["?", "postgres://ada:12?s3cret@localhost/quire"],
    ["? after an @", "postgres://ada:s3@s3?cret@localhost/quire"],
    ["@ in a parameter", "postgres://localhost/quire?password=s3@cret"],
  ])("are rejected with a raw %s, and are not disclosed", (_case, raw) => {
    const refused = refusalOf(raw);
    expect(refused).toContain(ENCODING);
    expect(refused).not.toMatch(/s3|cret|ada|localhost/);
  });
});

describe("a parameter in a server URL", () => {
  it("of libpq is read", () => {
    const server = parse(
      "postgres://localhost/quire?application_name=blog&connect_timeout=7&keepalives_idle=30&options=-c%20geqo%3Doff&target_session_attrs=primary",
    );
    expect(server).toMatchObject({
      connectTimeoutMs: 7000,
      keepAliveDelayMs: 30_000,
      sessionAttributes: "primary",
      startup: { application_name: "blog", options: "-c geqo=off" },
    });
  });

  it("with a default value keeps the configured value", () => {
    expect(parse("postgres://localhost/quire?connect_timeout=0&target_session_attrs=any&keepalives=0")).toMatchObject({
      connectTimeoutMs: null,
      keepAliveDelayMs: null,
      maxConnections: null,
      isPooled: false,
      sessionAttributes: null,
      startup: { application_name: "quire" },
    });
  });

  it.each([
    "sslmode=require&channel_binding=require",
    "sslmode=require&supa=base-pooler.x",
    "sslnegotiation=direct",
    "gssencmode=disable&krbsrvname=postgres",
    "keepalives=1&keepalives_idle=30&keepalives_interval=10&keepalives_count=3&tcp_user_timeout=5000",
    "client_encoding=utf8&load_balance_hosts=random",
    "schema=public&pool_timeout=10",
    "pgbouncer=false",
    "sslmode=",
  ])("of a managed service is accepted: %s", (parameters) => {
    expect(parseServerUrl(`postgres://ada@db.example.org/quire?${parameters}`).isOk()).toBe(true);
  });

  it("of Prisma sets the maximum of connections and the use of a pooler", () => {
    const server = parse("postgres://localhost/quire?pgbouncer=true&connection_limit=3");
    expect(server).toMatchObject({ isPooled: true, maxConnections: 3 });
  });

  it.each([
    ["statement_timeout=5000", "unknown parameters: statement_timeout; "],
    ["foo=1&bar=2", "unknown parameters: foo, bar; "],
    ["s3cret+x=1", "unknown parameters: a name that is not shown; "],
    ["sslmode=s3cret", "invalid sslmode: use one of disable"],
    ["sslmode=verify-full&sslrootcert=/s3cret.crt", "unreadable file as its sslrootcert"],
    ["sslkey=/s3cret.key&sslmode=verify-full", "unreadable file as its sslkey"],
    ["channel_binding=require", "without TLS"],
    ["gssencmode=require", "GSSAPI"],
    ["schema=s3cret", "public"],
    ["ssl=true", "use sslmode"],
    ["client_encoding=s3cret", "UTF8"],
    ["target_session_attrs=prefer-standby", "invalid target_session_attrs: use one of any"],
    ["connect_timeout=s3cret", "invalid connect_timeout: use a whole number"],
    ["connection_limit=0", "invalid connection_limit: use a whole number"],
    ["keepalives=2", "invalid keepalives: use one of 0, 1"],
  ])("is rejected by its name without its value: %s", (parameters, detail) => {
    const refused = refusalOf(`postgres://localhost/quire?${parameters}`);
    expect(refused).toContain(detail);
    expect(refused).not.toContain("s3cret");
  });
});
