import { describe, expect, it } from "vitest";
import { readConfig } from "../../../src/bootstrap/config.ts";

const DAY_MS = 86_400_000;

const problemsOf = (environment: Readonly<Record<string, string>>) =>
  readConfig(environment)._unsafeUnwrapErr().problems;

describe("readConfig", () => {
  const DEFAULTS = {
    host: "127.0.0.1",
    port: 3000,
    dataDirectory: "./data",
    database: null,
    logLevel: "info",
    metrics: null,
    http: {
      requireIfMatch: false,
      corsOrigins: [],
      requestsPerMinute: 6000,
      logInsPerMinute: 10,
      requestTimeoutMs: 60_000,
      publicUrl: null,
      logsClientAddress: true,
    },
    keepAliveMs: 72_000,
    trustedProxies: [],
    sessionIdleMs: 30 * DAY_MS,
    registration: "open",
    durability: "fsync",
    freeSpaceBytes: 67_108_864,
    statementDeadlineMs: 30_000,
    accountQuotaBytes: 1_073_741_824,
    cacheBytes: 67_108_864,
    firstAdmin: null,
    backup: { schedule: null, to: null, keep: null },
  };

  it("has a default for everything", () => {
    expect(readConfig({})._unsafeUnwrap()).toEqual(DEFAULTS);
  });

  it("treats an empty variable as unset", () => {
    const empty = Object.fromEntries(
      [
        "HOST",
        "PORT",
        "QUIRE_DATA_DIR",
        "DATABASE_URL",
        "QUIRE_LOG_LEVEL",
        "QUIRE_REQUIRE_IF_MATCH",
        "QUIRE_CORS_ORIGINS",
        "QUIRE_PUBLIC_URL",
        "QUIRE_RATE_LIMIT_PER_MINUTE",
        "QUIRE_LOGIN_LIMIT_PER_MINUTE",
        "QUIRE_KEEP_ALIVE_SECONDS",
        "QUIRE_TRUSTED_PROXIES",
        "QUIRE_REQUEST_TIMEOUT_MS",
        "QUIRE_SESSION_IDLE_DAYS",
        "QUIRE_REGISTRATION",
        "QUIRE_DURABILITY",
        "QUIRE_FREE_SPACE_MIB",
        "QUIRE_STATEMENT_TIMEOUT_MS",
        "QUIRE_ACCOUNT_QUOTA_MIB",
        "QUIRE_CACHE_MIB",
        "QUIRE_METRICS_PORT",
        "QUIRE_METRICS_HOST",
        "QUIRE_ADMIN_EMAIL",
        "QUIRE_ADMIN_PASSWORD",
        "QUIRE_BACKUP_SCHEDULE",
        "QUIRE_BACKUP_TO",
        "QUIRE_BACKUP_KEEP",
      ].map((variable) => [variable, ""]),
    );
    expect(readConfig(empty)._unsafeUnwrap()).toEqual(DEFAULTS);
  });

  it("ignores variables of other programs", () => {
    const others = {
      PATH: "/bin",
      LANG: undefined,
      // Set by a hosting platform, and by Kubernetes for services named quire and database.
      DATABASE_PUBLIC_URL: "postgres://elsewhere/db",
      QUIRE_SERVICE_HOST: "10.0.0.7",
      QUIRE_SERVICE_PORT_HTTP: "80",
      QUIRE_PORT: "tcp://10.0.0.7:80",
      QUIRE_METRICS_PORT: "tcp://10.0.0.7:9464",
      QUIRE_BLOG_PORT_80_TCP_ADDR: "10.0.0.7",
      DATABASE_PORT: "tcp://10.0.0.8:5432",
      // Read by the command line.
      QUIRE_MOVE_FROM: "./data",
    };
    expect(readConfig(others)._unsafeUnwrap()).toEqual(DEFAULTS);
  });

  it("reads every variable", () => {
    const read = readConfig({
      HOST: "0.0.0.0",
      PORT: "8080",
      QUIRE_DATA_DIR: "/var/lib/quire",
      QUIRE_LOG_LEVEL: "debug",
      QUIRE_LOG_CLIENT_ADDRESS: "off",
      QUIRE_REQUIRE_IF_MATCH: "true",
      QUIRE_RATE_LIMIT_PER_MINUTE: "100",
      QUIRE_LOGIN_LIMIT_PER_MINUTE: "0",
      QUIRE_REQUEST_TIMEOUT_MS: "5000",
      QUIRE_PUBLIC_URL: "https://example.org/blog/",
      QUIRE_KEEP_ALIVE_SECONDS: "620",
      QUIRE_TRUSTED_PROXIES: "10.0.0.0/8,::1",
      QUIRE_CORS_ORIGINS: "https://app.example.org, http://localhost:5173",
      QUIRE_SESSION_IDLE_DAYS: "7",
      QUIRE_REGISTRATION: "closed",
      QUIRE_DURABILITY: "relaxed",
      QUIRE_FREE_SPACE_MIB: "100",
      QUIRE_STATEMENT_TIMEOUT_MS: "5000",
      QUIRE_ACCOUNT_QUOTA_MIB: "2",
      QUIRE_CACHE_MIB: "3",
      QUIRE_METRICS_PORT: "9464",
      QUIRE_METRICS_HOST: "0.0.0.0",
      QUIRE_ADMIN_EMAIL: "Root@Example.org",
      QUIRE_ADMIN_PASSWORD: "  never trimmed  ",
      QUIRE_BACKUP_SCHEDULE: "30 3 * * MON-FRI",
      QUIRE_BACKUP_TO: "/backups",
      QUIRE_BACKUP_KEEP: "7",
    });
    expect(read._unsafeUnwrap()).toEqual({
      host: "0.0.0.0",
      port: 8080,
      dataDirectory: "/var/lib/quire",
      database: null,
      logLevel: "debug",
      metrics: { host: "0.0.0.0", port: 9464 },
      http: {
        requireIfMatch: true,
        corsOrigins: ["https://app.example.org", "http://localhost:5173"],
        requestsPerMinute: 100,
        logInsPerMinute: 0,
        requestTimeoutMs: 5000,
        publicUrl: "https://example.org/blog",
        logsClientAddress: false,
      },
      keepAliveMs: 620_000,
      trustedProxies: ["10.0.0.0/8", "::1"],
      sessionIdleMs: 7 * DAY_MS,
      registration: "closed",
      durability: "relaxed",
      freeSpaceBytes: 104_857_600,
      statementDeadlineMs: 5000,
      accountQuotaBytes: 2_097_152,
      cacheBytes: 3_145_728,
      firstAdmin: { email: "Root@Example.org", password: "  never trimmed  " },
      backup: { schedule: "30 3 * * MON-FRI", to: "/backups", keep: 7 },
    });
  });

  it.each([
    ["PORT", "0"],
    ["PORT", "65535"],
    ["QUIRE_SESSION_IDLE_DAYS", "1"],
    ["QUIRE_SESSION_IDLE_DAYS", "3650"],
    ["QUIRE_REGISTRATION", "open"],
    ["QUIRE_REGISTRATION", "closed"],
    ["QUIRE_DURABILITY", "fsync"],
    ["QUIRE_FREE_SPACE_MIB", "16"],
    ["QUIRE_STATEMENT_TIMEOUT_MS", "100"],
    ["QUIRE_ACCOUNT_QUOTA_MIB", "0"],
    ["QUIRE_CACHE_MIB", "0"],
    ["QUIRE_REQUIRE_IF_MATCH", "true"],
    ["QUIRE_REQUIRE_IF_MATCH", "false"],
    ["QUIRE_KEEP_ALIVE_SECONDS", "1"],
    ["QUIRE_KEEP_ALIVE_SECONDS", "3600"],
    ["QUIRE_CORS_ORIGINS", "*"],
    ["QUIRE_RATE_LIMIT_PER_MINUTE", "0"],
    ["QUIRE_TRUSTED_PROXIES", "0.0.0.0/0"],
    ["QUIRE_TRUSTED_PROXIES", "2001:db8::/128, 192.0.2.1"],
    ["QUIRE_CORS_ORIGINS", "https://[::1]:8443"],
    ["QUIRE_LOG_LEVEL", "fatal"],
    ["QUIRE_LOG_LEVEL", "error"],
    ["QUIRE_LOG_LEVEL", "warn"],
    ["QUIRE_LOG_LEVEL", "info"],
    ["QUIRE_LOG_LEVEL", "debug"],
    ["QUIRE_LOG_LEVEL", "trace"],
    ["QUIRE_LOG_LEVEL", "silent"],
  ])("accepts %s=%s", (variable, value) => {
    expect(readConfig({ [variable]: value }).isOk()).toBe(true);
  });

  const PORT_DETAIL = "must be a whole number from 0 to 65535";
  const DAYS_DETAIL = "must be a whole number from 1 to 3650";
  const PROXIES_DETAIL = "must be addresses, or networks such as 10.0.0.0/8, separated by commas";
  const ORIGINS_DETAIL =
    "must be * alone, or origins without a path, such as https://app.example.org, separated by commas";
  const PUBLIC_URL_DETAIL =
    "must be an http or https URL without query or fragment, whose path has only letters, digits and . _ ~ -, such as https://example.org/blog";
  const HOME_DETAIL =
    "begins with ~, which only a shell expands: write the whole path (or ./~ for a directory of that name)";
  const LEVEL_DETAIL = "must be one of fatal, error, warn, info, debug, trace, silent";

  it.each([
    ["PORT", "-1", PORT_DETAIL],
    ["PORT", "65536", PORT_DETAIL],
    ["PORT", "http", PORT_DETAIL],
    ["PORT", "80.5", PORT_DETAIL],
    ["PORT", "0x50", PORT_DETAIL],
    ["PORT", "1e3", PORT_DETAIL],
    ["PORT", " 80", PORT_DETAIL],
    ["PORT", "80\n", PORT_DETAIL],
    ["PORT", "9".repeat(400), PORT_DETAIL],
    ["QUIRE_SESSION_IDLE_DAYS", "0", DAYS_DETAIL],
    ["QUIRE_SESSION_IDLE_DAYS", "3651", DAYS_DETAIL],
    ["QUIRE_SESSION_IDLE_DAYS", "a month", DAYS_DETAIL],
    ["QUIRE_REGISTRATION", "off", "must be open or closed"],
    ["QUIRE_DURABILITY", "off", "must be fsync or relaxed"],
    ["QUIRE_FREE_SPACE_MIB", "15", "must be a whole number from 16 to 1000000"],
    ["QUIRE_STATEMENT_TIMEOUT_MS", "0", "must be a whole number from 100 to 3600000"],
    ["QUIRE_ACCOUNT_QUOTA_MIB", "-1", "must be a whole number from 0 to 1000000"],
    ["QUIRE_CACHE_MIB", "-1", "must be a whole number from 0 to 1000000"],
    ["QUIRE_REQUIRE_IF_MATCH", "yes", "must be true or false"],
    ["QUIRE_RATE_LIMIT_PER_MINUTE", "-1", "must be a whole number from 0 to 1000000"],
    ["QUIRE_LOGIN_LIMIT_PER_MINUTE", "off", "must be a whole number from 0 to 100000"],
    ["QUIRE_REQUEST_TIMEOUT_MS", "99", "must be a whole number from 100 to 3600000"],
    ["QUIRE_KEEP_ALIVE_SECONDS", "0", "must be a whole number from 1 to 3600"],
    ["QUIRE_KEEP_ALIVE_SECONDS", "3601", "must be a whole number from 1 to 3600"],
    ["QUIRE_TRUSTED_PROXIES", "localhost", PROXIES_DETAIL],
    ["QUIRE_TRUSTED_PROXIES", "10.0.0.0/33", PROXIES_DETAIL],
    ["QUIRE_TRUSTED_PROXIES", "10.0.0.0/8/8", PROXIES_DETAIL],
    ["QUIRE_TRUSTED_PROXIES", "::1/129", PROXIES_DETAIL],
    ["QUIRE_TRUSTED_PROXIES", "10.0.0.1,", PROXIES_DETAIL],
    ["QUIRE_CORS_ORIGINS", "app.example.org", ORIGINS_DETAIL],
    ["QUIRE_CORS_ORIGINS", "https://app.example.org/", ORIGINS_DETAIL],
    ["QUIRE_CORS_ORIGINS", "https://App.example.org", ORIGINS_DETAIL],
    ["QUIRE_CORS_ORIGINS", "https://app.example.org:443", ORIGINS_DETAIL],
    ["QUIRE_CORS_ORIGINS", "null", ORIGINS_DETAIL],
    ["QUIRE_CORS_ORIGINS", "*, https://app.example.org", ORIGINS_DETAIL],
    ["QUIRE_CORS_ORIGINS", "https://app.example.org,", ORIGINS_DETAIL],
    ["QUIRE_PUBLIC_URL", "/blog", PUBLIC_URL_DETAIL],
    ["QUIRE_PUBLIC_URL", "example.org/blog", PUBLIC_URL_DETAIL],
    ["QUIRE_PUBLIC_URL", "ftp://example.org/blog", PUBLIC_URL_DETAIL],
    ["QUIRE_PUBLIC_URL", "https://user:secret@example.org/blog", PUBLIC_URL_DETAIL],
    ["QUIRE_PUBLIC_URL", "https://example.org/blog?", PUBLIC_URL_DETAIL],
    ["QUIRE_PUBLIC_URL", "https://example.org/blog#top", PUBLIC_URL_DETAIL],
    ["QUIRE_PUBLIC_URL", "https://example.org//blog", PUBLIC_URL_DETAIL],
    ["QUIRE_PUBLIC_URL", "https://example.org/bl'og", PUBLIC_URL_DETAIL],
    ["QUIRE_PUBLIC_URL", "https://example.org/a b", PUBLIC_URL_DETAIL],
    ["QUIRE_DATA_DIR", "~/data", HOME_DETAIL],
    ["QUIRE_DATA_DIR", "~ada/data", HOME_DETAIL],
    ["QUIRE_LOG_CLIENT_ADDRESS", "no", "must be on or off"],
    ["QUIRE_LOG_LEVEL", "verbose", LEVEL_DETAIL],
    ["QUIRE_LOG_LEVEL", "INFO", LEVEL_DETAIL],
  ])("rejects %s=%j", (variable, value, detail) => {
    expect(problemsOf({ [variable]: value })).toEqual([{ variable, detail }]);
  });

  it.each([
    ["https://example.org", "https://example.org"],
    ["https://example.org/", "https://example.org"],
    ["https://Example.org:443/blog/", "https://example.org/blog"],
    ["http://localhost:8080/a/b-c.d_e~1", "http://localhost:8080/a/b-c.d_e~1"],
  ])("reads QUIRE_PUBLIC_URL=%s as %s", (raw, publicUrl) => {
    expect(readConfig({ QUIRE_PUBLIC_URL: raw })._unsafeUnwrap().http.publicUrl).toBe(publicUrl);
  });

  it("trims QUIRE_ADMIN_EMAIL", () => {
    const { firstAdmin } = readConfig({
      QUIRE_ADMIN_EMAIL: " ada@example.org ",
      QUIRE_ADMIN_PASSWORD: "correct horse",
    })._unsafeUnwrap();
    expect(firstAdmin?.email).toBe("ada@example.org");
  });

  it("has a default for every setting of a PostgreSQL server", () => {
    expect(readConfig({ DATABASE_URL: "postgres://localhost/quire" })._unsafeUnwrap().database).toMatchObject({
      server: { location: "postgres://localhost/quire", tls: false },
      migrator: null,
      replicas: [],
      poolSize: 10,
      connectTimeoutMs: 5000,
      idleTimeoutMs: 300_000,
      lockTimeoutMs: 10_000,
      startTimeoutMs: 60_000,
      preparesStatements: true,
      setsTimeouts: true,
    });
  });

  it("reads every setting of a PostgreSQL server", () => {
    const { database } = readConfig({
      DATABASE_URL: "postgres://quire@db.example.org/quire?sslmode=require",
      DATABASE_MIGRATION_URL: "postgres://owner@localhost/quire",
      DATABASE_REPLICA_URLS: "postgres://a.example.org,b.example.org/quire  postgres://localhost/quire\n",
      DATABASE_POOL_SIZE: "20",
      DATABASE_CONNECT_TIMEOUT_MS: "1000",
      DATABASE_IDLE_TIMEOUT_MS: "2000",
      DATABASE_LOCK_TIMEOUT_MS: "3000",
      DATABASE_START_TIMEOUT_MS: "0",
      DATABASE_PREPARED_STATEMENTS: "off",
      DATABASE_SESSION_TIMEOUTS: "off",
    })._unsafeUnwrap();
    expect(database).toMatchObject({
      server: { location: "postgres://db.example.org/quire", user: "quire", tls: { rejectUnauthorized: false } },
      migrator: { location: "postgres://localhost/quire", user: "owner", tls: false },
      replicas: [
        { location: "postgres://a.example.org,b.example.org/quire", tls: {} },
        { location: "postgres://localhost/quire", tls: false },
      ],
      poolSize: 20,
      connectTimeoutMs: 1000,
      idleTimeoutMs: 2000,
      lockTimeoutMs: 3000,
      startTimeoutMs: 0,
      preparesStatements: false,
      setsTimeouts: false,
    });
  });

  it.each([
    ["DATABASE_URL", "mysql://db/quire", "must look like postgres://user:password@host:5432/database"],
    ["DATABASE_MIGRATION_URL", "db", "must look like postgres://user:password@host:5432/database"],
    [
      "DATABASE_REPLICA_URLS",
      "postgres://localhost/quire, localhost",
      "must look like postgres://user:password@host:5432/database",
    ],
    ["DATABASE_POOL_SIZE", "0", "must be a whole number from 1 to 1000"],
    ["DATABASE_PREPARED_STATEMENTS", "yes", "must be on or off"],
    ["DATABASE_SESSION_TIMEOUTS", "1", "must be on or off"],
  ])("rejects %s=%j and names the accepted form", (variable, value, detail) => {
    expect(problemsOf({ [variable]: value })).toEqual([{ variable, detail }]);
  });

  it.each([
    ["QUIRE_ADMIN_EMAIL", "root@example.org", "QUIRE_ADMIN_PASSWORD"],
    ["QUIRE_ADMIN_PASSWORD", "a good password", "QUIRE_ADMIN_EMAIL"],
  ])("rejects %s alone, and names the missing variable", (given, value, missing) => {
    expect(problemsOf({ [given]: value })).toEqual([
      { variable: missing, detail: `is missing, but ${given} is set; the first admin needs both` },
    ]);
  });

  it.each([
    // Six fields begin with the second. The 31st of February never comes.
    ...["daily", "* * * *", "0 30 3 * * *", "60 3 * * *", "0 0 31 2 *", "@daily"].map((value) => [
      "QUIRE_BACKUP_SCHEDULE",
      value,
      "must have the five fields of cron: minute, hour, day of the month, month, day of the week, such as 30 3 * * *",
    ]),
    ["QUIRE_BACKUP_TO", "~/backups", HOME_DETAIL],
    ["QUIRE_BACKUP_KEEP", "0", "must be a whole number from 1 to 10000"],
  ])("rejects %s=%j", (variable, value, detail) => {
    const schedule = { QUIRE_BACKUP_SCHEDULE: "30 3 * * *", QUIRE_BACKUP_TO: "/backups" };
    expect(problemsOf({ ...schedule, [variable]: value })).toEqual([{ variable, detail }]);
  });

  it("rejects a schedule of backups without their location, and for a PostgreSQL server", () => {
    expect(problemsOf({ QUIRE_BACKUP_SCHEDULE: "30 3 * * *", DATABASE_URL: "postgres://localhost/quire" })).toEqual([
      { variable: "QUIRE_BACKUP_TO", detail: "is missing, but QUIRE_BACKUP_SCHEDULE is set" },
      {
        variable: "QUIRE_BACKUP_SCHEDULE",
        detail: "is for the embedded database only. Schedule pg_dump for a PostgreSQL server.",
      },
    ]);
  });

  it.each([
    ["QUIRE_ADMIN_EMAIL", "root", "must be an e-mail address (malformed_email)"],
    ["QUIRE_ADMIN_PASSWORD", "1234567", "must be a password of 8 to 1,024 characters (too_short)"],
    ["QUIRE_ADMIN_PASSWORD", "x".repeat(1_025), "must be a password of 8 to 1,024 characters (too_long)"],
  ])("rejects an invalid %s (%#)", (variable, value, detail) => {
    const admin = { QUIRE_ADMIN_EMAIL: "root@example.org", QUIRE_ADMIN_PASSWORD: "a good password" };
    expect(problemsOf({ ...admin, [variable]: value })).toEqual([{ variable, detail }]);
  });

  it.each([
    ["QUIRE_DATADIR", "QUIRE_DATA_DIR"],
    ["QUIRE_DATA_DIRECTORY", "QUIRE_DATA_DIR"],
    ["quire_data_dir", "QUIRE_DATA_DIR"],
    ["QUIRE_DURABLITY", "QUIRE_DURABILITY"],
    ["QUIRE_CORS_ORIGIN", "QUIRE_CORS_ORIGINS"],
    ["QUIER_LOG_LEVEL", "QUIRE_LOG_LEVEL"],
    ["DATABASE_UR", "DATABASE_URL"],
    ["DATABASE_REPLICAS_URL", "DATABASE_REPLICA_URLS"],
    ["DATABSE_POOL_SIZE", "DATABASE_POOL_SIZE"],
  ])("rejects the unknown variable %s and suggests %s", (variable, meant) => {
    expect(problemsOf({ [variable]: "1" })).toEqual([
      { variable, detail: `is not a variable of Quire. Did you mean ${meant}?` },
    ]);
  });

  it("ignores a variable of another program with a similar name if the variable of Quire is set too", () => {
    const both = { DATABASE_URL: "postgres://localhost/quire", DATABASE_URI: "postgres://localhost/other" };
    expect(readConfig(both).isOk()).toBe(true);
  });

  it("ignores an empty unknown variable", () => {
    expect(readConfig({ QUIRE_DATADIR: "" }).isOk()).toBe(true);
  });

  it("reports misspelt and invalid variables together", () => {
    const named = problemsOf({ PORT: "x", QUIRE_DATADIR: "y" }).map(({ variable }) => variable);
    expect(named).toEqual(["PORT", "QUIRE_DATADIR"]);
  });

  const WRONG = {
    PORT: "p0rt-s3cret",
    DATABASE_URL: "postgres://quire:db-s3cret@db:p0rt/quire",
    QUIRE_LOG_LEVEL: "level-s3cret",
    QUIRE_SESSION_IDLE_DAYS: "days-s3cret",
    QUIRE_ADMIN_EMAIL: "email-s3cret",
    QUIRE_ADMIN_PASSWORD: "s3cret",
  };

  it("reports all invalid variables together", () => {
    const named = problemsOf(WRONG).map(({ variable }) => variable);
    expect(named.toSorted()).toEqual(Object.keys(WRONG).toSorted());
  });

  it("reports a missing variable and the invalid ones together", () => {
    const named = problemsOf({ PORT: "x", QUIRE_ADMIN_EMAIL: "root@example.org" }).map(({ variable }) => variable);
    expect(named.toSorted()).toEqual(["PORT", "QUIRE_ADMIN_PASSWORD"]);
  });

  it("does not include values, which may be secrets", () => {
    expect(JSON.stringify(readConfig(WRONG)._unsafeUnwrapErr())).not.toContain("s3cret");
  });
});
