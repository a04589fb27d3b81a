import { ok, type Result } from "neverthrow";
import { z } from "zod";
import { REGISTRATIONS, type Registration } from "../domain/access.ts";
import { parseEmailAddress, type EmailAddress } from "../domain/user/email-address.ts";
import { fail } from "../domain/shared/fail.ts";
import { readEnvFile } from "./env-file.ts";
import { nearestName } from "../interfaces/cli/nearest-name.ts";
import { parsePassword, type Password } from "../domain/user/password.ts";
import type { Violation } from "../domain/shared/violation.ts";
import { parseServerUrl, type ServerUrl } from "../infrastructure/postgresql/client/server-url.ts";
import { ANY_ORIGIN, type HttpSettings } from "../interfaces/http/settings.ts";
import { isProxy } from "../interfaces/node/client-address.ts";
import { LOG_LEVELS, type LogLevel } from "../infrastructure/node/pino-log.ts";

export interface Config {
  readonly host: string;
  readonly port: number;
  /** Where the embedded PostgreSQL keeps its files; not used where there is a `database`. */
  readonly dataDirectory: string;
  /** The PostgreSQL server to use; `null` for the embedded one. */
  readonly database: DatabaseConfig | null;
  readonly logLevel: LogLevel;
  readonly http: HttpSettings;
  /** How long a connection without a request is kept open. */
  readonly keepAliveMs: number;
  /** Who is believed about where a request comes from: addresses, and networks in CIDR notation. */
  readonly trustedProxies: readonly string[];
  readonly sessionIdleMs: number;
  /** Whether anybody may register, or admins alone create users. */
  readonly registration: Registration;
  readonly durability: "fsync" | "relaxed";
  readonly freeSpaceBytes: number;
  readonly statementDeadlineMs: number;
  /** How many bytes an account may store; 0 for any number. */
  readonly accountQuotaBytes: number;
  /** Who becomes the first admin; `null` when nobody is named. */
  readonly firstAdmin: { readonly email: EmailAddress; readonly password: Password } | null;
}

export interface DatabaseConfig {
  readonly server: ServerUrl;
  /** By which the schema is changed, where the server's role may not. */
  readonly migrator: ServerUrl | null;
  /** Standbys of the server, which lists and posts are read on. */
  readonly replicas: readonly ServerUrl[];
  readonly poolSize: number;
  readonly connectTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly lockTimeoutMs: number;
  readonly startTimeoutMs: number;
  readonly preparesStatements: boolean;
  readonly setsTimeouts: boolean;
}

/** All problems of the configuration at once, without the values, which may be secrets. */
export interface ConfigInvalid {
  readonly kind: "config_invalid";
  readonly problems: readonly ConfigProblem[];
}

export interface ConfigProblem {
  /** The variable, or the line of the env file. */
  readonly variable: string;
  readonly detail: string;
}

type Variables = Readonly<Record<string, string | undefined>>;

const SECOND_MS = 1000;
const DAY_MS = 86_400_000;
const MIB = 1_048_576;

const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .refine((raw) => /^\d{1,9}$/.test(raw) && Number(raw) >= min && Number(raw) <= max, {
      error: `must be a whole number from ${min} to ${max}`,
    })
    .transform(Number);

const value = <T>(parse: (raw: string) => Result<T, Violation>, what: string) =>
  z.string().transform((raw, context): T => {
    const parsed = parse(raw);
    if (parsed.isOk()) return parsed.value;
    context.addIssue({ code: "custom", message: `must be ${what} (${parsed.error.code})` });
    return z.NEVER;
  });

const onOrOff = z.enum(["on", "off"], { error: "must be on or off" }).transform((raw) => raw === "on");

/** A shell replaces `~` in a command, but not in an env file, nor does anybody in a container's environment. */
const path = z.string().refine((raw) => !raw.startsWith("~"), {
  error:
    "begins with ~, which is the home directory to a shell alone: write the whole path (or ./~ for a directory of that name)",
});

const trueOrFalse = z.enum(["true", "false"], { error: "must be true or false" }).transform((raw) => raw === "true");

const listed = z.string().transform((raw) => raw.split(",").map((entry) => entry.trim()));

const proxies = listed.refine((entries) => entries.every(isProxy), {
  error: "must be addresses, or networks such as 10.0.0.0/8, separated by commas",
});

/** As browsers write them: a page of an origin that is written otherwise here would be refused without a word. */
const origins = listed.refine(
  (entries) => entries.every(isOrigin) || (entries.length === 1 && entries[0] === ANY_ORIGIN),
  {
    error: "must be * alone, or origins without a path, such as https://app.example.org, separated by commas",
  },
);

function isOrigin(raw: string): boolean {
  return /^https?:/.test(raw) && URL.canParse(raw) && new URL(raw).origin === raw;
}

/** Its path stands in headers, HTML and JavaScript, so it has no character that means anything there. */
const publicUrl = z.string().transform((raw, context): string => {
  const url = URL.canParse(raw) ? new URL(raw) : null;
  const isPlain = url !== null && !/[?#@]/.test(raw);
  if (isPlain && /^https?:$/.test(url.protocol) && /^(?:\/[\w.~-]+)*\/?$/.test(url.pathname)) {
    return `${url.origin}${url.pathname.replace(/\/$/, "")}`;
  }
  const message =
    "must be a URL of http or https with nothing after its path, which has letters, digits and . _ ~ - alone, such as https://example.org/blog";
  context.addIssue({ code: "custom", message });
  return z.NEVER;
});

const serverUrl = z.string().transform((raw, context): ServerUrl => {
  const parsed = parseServerUrl(raw);
  if (parsed.isOk()) return parsed.value;
  context.addIssue({ code: "custom", message: parsed.error.detail });
  return z.NEVER;
});

/** Separated by white space, as a comma may stand in a URL. */
const serverUrls = z
  .string()
  .transform((raw) => raw.split(/\s+/).filter((url) => url !== ""))
  .pipe(z.array(serverUrl));

const Environment = z
  .object({
    HOST: z.string().default("127.0.0.1"),
    PORT: wholeNumber(0, 65_535).default(3000),
    QUIRE_DATA_DIR: path.default("./data"),
    DATABASE_URL: serverUrl.optional(),
    DATABASE_MIGRATION_URL: serverUrl.optional(),
    DATABASE_REPLICA_URLS: serverUrls.default([]),
    DATABASE_POOL_SIZE: wholeNumber(1, 1000).default(10),
    DATABASE_CONNECT_TIMEOUT_MS: wholeNumber(100, 600_000).default(5000),
    DATABASE_IDLE_TIMEOUT_MS: wholeNumber(1000, 86_400_000).default(300_000),
    DATABASE_LOCK_TIMEOUT_MS: wholeNumber(100, 600_000).default(10_000),
    DATABASE_START_TIMEOUT_MS: wholeNumber(0, 3_600_000).default(60_000),
    DATABASE_PREPARED_STATEMENTS: onOrOff.default(true),
    DATABASE_SESSION_TIMEOUTS: onOrOff.default(true),
    QUIRE_LOG_LEVEL: z.enum(LOG_LEVELS, { error: `must be one of ${LOG_LEVELS.join(", ")}` }).default("info"),
    QUIRE_LOG_CLIENT_ADDRESS: onOrOff.default(true),
    QUIRE_REQUIRE_IF_MATCH: trueOrFalse.default(false),
    QUIRE_CORS_ORIGINS: origins.default([]),
    QUIRE_PUBLIC_URL: publicUrl.optional(),
    QUIRE_RATE_LIMIT_PER_MINUTE: wholeNumber(0, 1_000_000).default(6000),
    QUIRE_LOGIN_LIMIT_PER_MINUTE: wholeNumber(0, 100_000).default(10),
    QUIRE_REQUEST_TIMEOUT_MS: wholeNumber(100, 3_600_000).default(60_000),
    QUIRE_KEEP_ALIVE_SECONDS: wholeNumber(1, 3600).default(72),
    QUIRE_TRUSTED_PROXIES: proxies.default([]),
    QUIRE_REGISTRATION: z.enum(REGISTRATIONS, { error: `must be ${REGISTRATIONS.join(" or ")}` }).default("open"),
    QUIRE_SESSION_IDLE_DAYS: wholeNumber(1, 3650).default(30),
    QUIRE_DURABILITY: z.enum(["fsync", "relaxed"], { error: "must be fsync or relaxed" }).default("fsync"),
    QUIRE_FREE_SPACE_MIB: wholeNumber(16, 1_000_000).default(64),
    QUIRE_STATEMENT_TIMEOUT_MS: wholeNumber(100, 3_600_000).default(30_000),
    QUIRE_ACCOUNT_QUOTA_MIB: wholeNumber(0, 1_000_000).default(1024),
    QUIRE_ADMIN_EMAIL: value(parseEmailAddress, "an e-mail address").optional(),
    QUIRE_ADMIN_PASSWORD: value(parsePassword, "a password of 8 to 1,024 characters").optional(),
  })
  .check((context) => {
    const { QUIRE_ADMIN_EMAIL: email, QUIRE_ADMIN_PASSWORD: password } = context.value;
    if ((email === undefined) === (password === undefined)) return;
    const [given, missing] =
      email === undefined
        ? ["QUIRE_ADMIN_PASSWORD", "QUIRE_ADMIN_EMAIL"]
        : ["QUIRE_ADMIN_EMAIL", "QUIRE_ADMIN_PASSWORD"];
    const message = `is missing, though ${given} is set; the first admin needs both`;
    context.issues.push({ code: "custom", message, path: [missing], input: undefined });
  });

/** Which the command line reads itself, beside the configuration. */
const COMMAND_LINE_VARIABLES = ["QUIRE_MOVE_FROM", "QUIRE_MOVE_TO"];

/** Every variable that the configuration is read from. */
export const CONFIG_VARIABLES: readonly string[] = Object.keys(Environment.shape);

const KNOWN_VARIABLES = [...CONFIG_VARIABLES, ...COMMAND_LINE_VARIABLES];
const OWN_NAME = /^(?:QUIRE|DATABASE)_/;
const OWN_VARIABLES = KNOWN_VARIABLES.filter((name) => OWN_NAME.test(name));

/**
 * What Kubernetes sets in every container for a service that is called quire, or quire-something, and Docker for a link
 * (Kubernetes, Service, Environment variables).
 */
const SERVICE_LINK =
  /^QUIRE_(?:\w+_)?(?:SERVICE_(?:HOST|PORT(?:_\w+)?)|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)$/;

/** Reads the configuration from environment variables; an empty one counts as unset. Fails with `config_invalid`. */
export function readConfig(environment: Variables): Result<Config, ConfigInvalid> {
  const set = Object.fromEntries(Object.entries(environment).filter(([, raw]) => raw !== "" && raw !== undefined));
  const read = Environment.safeParse(set);
  const misspelt = misspeltVariables(Object.keys(set));
  if (!read.success || misspelt.length > 0) {
    const issues = read.error?.issues ?? [];
    const wrong = issues.map(({ path: [variable], message }) => ({ variable: String(variable), detail: message }));
    return fail({ kind: "config_invalid", problems: [...wrong, ...misspelt] });
  }
  const { QUIRE_ADMIN_EMAIL: email, QUIRE_ADMIN_PASSWORD: password } = read.data;
  return ok({
    host: read.data.HOST,
    port: read.data.PORT,
    dataDirectory: read.data.QUIRE_DATA_DIR,
    database: databaseOf(read.data),
    logLevel: read.data.QUIRE_LOG_LEVEL,
    http: {
      requireIfMatch: read.data.QUIRE_REQUIRE_IF_MATCH,
      corsOrigins: read.data.QUIRE_CORS_ORIGINS,
      requestsPerMinute: read.data.QUIRE_RATE_LIMIT_PER_MINUTE,
      logInsPerMinute: read.data.QUIRE_LOGIN_LIMIT_PER_MINUTE,
      logsClientAddress: read.data.QUIRE_LOG_CLIENT_ADDRESS,
      requestTimeoutMs: read.data.QUIRE_REQUEST_TIMEOUT_MS,
      publicUrl: read.data.QUIRE_PUBLIC_URL ?? null,
    },
    keepAliveMs: read.data.QUIRE_KEEP_ALIVE_SECONDS * SECOND_MS,
    trustedProxies: read.data.QUIRE_TRUSTED_PROXIES,
    sessionIdleMs: read.data.QUIRE_SESSION_IDLE_DAYS * DAY_MS,
    registration: read.data.QUIRE_REGISTRATION,
    durability: read.data.QUIRE_DURABILITY,
    freeSpaceBytes: read.data.QUIRE_FREE_SPACE_MIB * MIB,
    statementDeadlineMs: read.data.QUIRE_STATEMENT_TIMEOUT_MS,
    accountQuotaBytes: read.data.QUIRE_ACCOUNT_QUOTA_MIB * MIB,
    firstAdmin: email === undefined || password === undefined ? null : { email, password },
  });
}

function databaseOf(read: z.infer<typeof Environment>): DatabaseConfig | null {
  if (read.DATABASE_URL === undefined) return null;
  return {
    server: read.DATABASE_URL,
    migrator: read.DATABASE_MIGRATION_URL ?? null,
    replicas: read.DATABASE_REPLICA_URLS,
    poolSize: read.DATABASE_POOL_SIZE,
    connectTimeoutMs: read.DATABASE_CONNECT_TIMEOUT_MS,
    idleTimeoutMs: read.DATABASE_IDLE_TIMEOUT_MS,
    lockTimeoutMs: read.DATABASE_LOCK_TIMEOUT_MS,
    startTimeoutMs: read.DATABASE_START_TIMEOUT_MS,
    preparesStatements: read.DATABASE_PREPARED_STATEMENTS,
    setsTimeouts: read.DATABASE_SESSION_TIMEOUTS,
  };
}

/**
 * A name that begins with QUIRE_ is meant for this program, and so is one that is nearly a variable of it which is not set.
 * Others may have DATABASE_ variables of their own.
 */
function misspeltVariables(names: readonly string[]): readonly ConfigProblem[] {
  const unset = OWN_VARIABLES.filter((name) => !names.includes(name));
  return names.flatMap((variable) => {
    if (KNOWN_VARIABLES.includes(variable) || SERVICE_LINK.test(variable)) return [];
    const isOurs = /^QUIRE_/i.test(variable);
    const meant = isOurs ? nearestName(variable, OWN_VARIABLES, variable.length) : nearestName(variable, unset);
    if (meant === null && !isOurs) return [];
    const hint = meant === null ? "Remove it." : `Did you mean ${meant}?`;
    return [{ variable, detail: `is no variable of Quire. ${hint}` }];
  });
}

const ENV_FILE = ".env";

/**
 * Reads the configuration from the environment and a file `.env` in the working directory, where there is one. Variables
 * that are set win over the file, whose others are added to the environment. Fails with `config_invalid`.
 *
 * @param overrides Variables that win over both; an empty one unsets.
 */
export function loadConfig(overrides: Variables = {}): Result<Config, ConfigInvalid> {
  const inFile = addEnvFile();
  const read = readConfig({ ...process.env, ...overrides });
  if (read.isOk() && inFile.length === 0) return read;
  return fail({ kind: "config_invalid", problems: [...inFile, ...(read.isErr() ? read.error.problems : [])] });
}

/** Adds the variables of the file to the environment, and gives what is wrong with the file. */
function addEnvFile(): readonly ConfigProblem[] {
  const read = readEnvFile(ENV_FILE);
  if (read.isErr()) return [{ variable: ENV_FILE, detail: `cannot be read: ${read.error.detail}` }];
  for (const [name, raw] of read.value?.variables ?? []) process.env[name] ??= raw;
  const problems = read.value?.problems ?? [];
  return problems.map(({ line, detail }) => ({ variable: `${ENV_FILE}, line ${line},`, detail }));
}
