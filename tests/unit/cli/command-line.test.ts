import { err, ok, type Result } from "neverthrow";
import { describe, expect, it } from "vitest";
import { useCases } from "../../../src/application/application.ts";
import { administerUsers } from "../../../src/application/users/administer-users.ts";
import { explain } from "../../../src/bootstrap/process-failure.ts";
import { nodeIdempotencyCipher } from "../../../src/infrastructure/crypto/node-idempotency-cipher.ts";
import { nodeSessionTokens } from "../../../src/infrastructure/crypto/node-session-tokens.ts";
import { nullLog } from "../../../src/infrastructure/node/null-log.ts";
import { openMemoryStorage } from "../../../src/infrastructure/memory/memory-storage.ts";
import { CONFIG_VARIABLES, type ConfigInvalid } from "../../../src/bootstrap/config.ts";
import { runCommand, type CommandDependencies } from "../../../src/interfaces/cli/command-line.ts";
import type { NewDatabase } from "../../../src/interfaces/cli/user-commands.ts";
import type { MoveLocations } from "../../../src/interfaces/cli/move.ts";
import type { Check } from "../../../src/interfaces/cli/verify.ts";
import { fakeHasher } from "../../../src/testing/fake-hasher.ts";
import { aUser, DAY_MS, email, ids, testClock } from "../../../src/testing/fixtures.ts";
import { fakeTerminal } from "./fake-terminal.ts";

const LOCATION = "/srv/quire";
const MOVED = [
  { table: "users", rows: 3, checksum: "17" },
  { table: "idempotency_keys", rows: 12_345, checksum: "18" },
];

const BACKUP = {
  location: "/backups/quire-20261130T033000Z.tar.gz",
  createdAt: "2026-11-30T03:30:00.000Z",
  program: "1.2.3",
  lsn: "0/16EF9D0",
  tables: [{ table: "public.posts", rows: 3, checksum: "17" }],
};

const UPGRADE = {
  directory: LOCATION,
  postgresql: 18,
  from: 17,
  kept: "/srv/quire/quire.before-upgrade",
  tables: BACKUP.tables,
};

const TABLES: Check = {
  check: "tables",
  status: "ok",
  detail: "every page of 9 tables is well-formed",
  findings: [],
  remedy: null,
};
const DAMAGED: Check = {
  check: "indexes",
  status: "damaged",
  detail: "1 fault",
  findings: ["posts_updated_idx: lacks a row"],
  remedy: "Restore a backup.",
};

interface Environment {
  readonly terminal?: Parameters<typeof fakeTerminal>[0];
  readonly locations?: Partial<MoveLocations>;
  readonly moved?: Result<typeof MOVED, ConfigInvalid>;
  readonly verified?: readonly Check[];
}

/** A command line on a storage in memory that holds Ada. */
async function open({ terminal: options, locations = {}, moved = ok(MOVED), verified = [TABLES] }: Environment = {}) {
  const storage = openMemoryStorage();
  const ada = aUser();
  (await storage.users.insert(ada))._unsafeUnwrap();
  const dependencies = {
    ...storage,
    hasher: fakeHasher,
    tokens: nodeSessionTokens,
    idempotencyCipher: nodeIdempotencyCipher,
    ids,
    clock: testClock(),
    sessionIdleMs: DAY_MS,
    registration: "open" as const,
    log: nullLog,
  };
  const app = useCases(dependencies);
  const terminal = fakeTerminal(options);
  const opened: NewDatabase[] = [];
  const moves: MoveLocations[] = [];
  const backups: object[] = [];
  const restorations: object[] = [];
  let served = 0;
  const commands: CommandDependencies<ConfigInvalid> = {
    version: "1.2.3",
    serve: async () => {
      served += 1;
      return ok();
    },
    terminal: terminal.terminal,
    backUpDatabase: async (options) => {
      backups.push(options);
      return ok({ ...BACKUP, removed: ["/backups/old.tar.gz"] });
    },
    restoreBackup: async (options) => {
      restorations.push(options);
      return ok({ ...BACKUP, directory: options.to });
    },
    verifyDatabase: async (onProgress) => {
      onProgress({ step: "verify", check: "indexes", number: 4, total: 8 });
      return ok({ directory: "/srv/quire", lsn: "0/1A2B3C", checks: verified });
    },
    compactDatabase: async (onProgress) => {
      onProgress({ table: "posts", done: 0, total: 1 });
      return ok({ directory: "/srv/quire", bytesBefore: 300 * 1_048_576, bytesAfter: 1_048_576 });
    },
    upgradeDatabase: async ({ pglite }, onProgress) => {
      onProgress({ step: "load", table: "public.posts", moved: 3, total: 3 });
      onProgress({ step: "check", bytes: 0, total: 0 });
      return ok(pglite === undefined ? { ...UPGRADE, from: null, kept: null, tables: [] } : UPGRADE);
    },
    withDatabase: async (newDatabase, run) => {
      opened.push(newDatabase);
      const used = await run({ ...app, operator: administerUsers(dependencies) });
      return used.map((value) => ({ value, location: LOCATION }));
    },
    moveLocations: () => ok(locations),
    moveDatabase: async (named) => {
      moves.push(named);
      return moved;
    },
    rebuildSearchIndex: async (onProgress) => {
      onProgress({ compared: 1_000, total: 1_234 });
      onProgress({ compared: 1_234, total: 1_234 });
      return ok({ posts: 1_234, location: LOCATION });
    },
  };
  const run = async (...args: string[]) => {
    const done = await runCommand(["node", "quire", ...args], commands);
    return done.match(
      () => ({ exitCode: 0, message: "" }),
      (failure) => explain(failure),
    );
  };
  return { run, terminal, ada, app, opened, moves, backups, restorations, served: () => served };
}

const DONE = { exitCode: 0, message: "" };
const GRACE = ["--name", "Grace", "--email", "grace@example.org"];

describe("quire verify", () => {
  it("prints each check, and ends with 0 without damage", async () => {
    const { run, terminal } = await open();
    expect(await run("verify")).toEqual(DONE);
    expect(terminal.printed).toEqual([
      "Verified /srv/quire: all writes before 0/1A2B3C.",
      "ok       tables: every page of 9 tables is well-formed",
    ]);
  });

  it("prints the faults of a damaged database with their remedy, and ends with 65", async () => {
    const { run, terminal } = await open({ verified: [TABLES, DAMAGED] });
    const { exitCode, message } = await run("verify");
    expect([exitCode, message]).toEqual([65, expect.stringContaining("is damaged: indexes")]);
    expect(terminal.printed.slice(2)).toEqual([
      "DAMAGED  indexes: 1 fault",
      "           posts_updated_idx: lacks a row",
      "         Restore a backup.",
    ]);
  });

  it("prints one JSON object with --json, also of a damaged database", async () => {
    const { run, terminal } = await open({ verified: [DAMAGED] });
    expect((await run("verify", "--json")).exitCode).toBe(65);
    expect(JSON.parse(terminal.printed.join())).toEqual({
      directory: "/srv/quire",
      lsn: "0/1A2B3C",
      checks: [DAMAGED],
      isDamaged: true,
    });
  });
});

describe("quire upgrade", () => {
  it("prints the compared tables and the directory of the old database", async () => {
    const { run, terminal } = await open();
    expect(await run("upgrade", "--pglite", "/srv/pglite")).toEqual(DONE);
    expect(terminal.printed).toEqual([
      "Upgraded /srv/quire from PostgreSQL 17 to 18. The rows of both are identical:",
      "public.posts          3 rows  checksum 17",
      "The old database is kept in /srv/quire/quire.before-upgrade. Delete it when you do not need it any more.",
    ]);
  });

  it("says that no upgrade is needed", async () => {
    const { run, terminal } = await open();
    expect(await run("upgrade")).toEqual(DONE);
    expect(terminal.printed).toEqual(["/srv/quire has PostgreSQL 18 and needs no upgrade."]);
  });

  it("prints one JSON object with --json", async () => {
    const { run, terminal } = await open();
    expect(await run("upgrade", "--pglite", "/srv/pglite", "--json")).toEqual(DONE);
    expect(JSON.parse(terminal.printed.join(""))).toEqual(UPGRADE);
  });
});

describe("quire compact", () => {
  it("shows each table, and prints the sizes before and after", async () => {
    const { run, terminal } = await open();
    expect(await run("compact")).toEqual(DONE);
    expect(terminal.printed).toEqual(["Compacted /srv/quire: its tables take 1 MiB, and took 300 MiB."]);
  });
});

describe("quire reindex", () => {
  it("shows the progress, and the number of indexed posts with the database", async () => {
    const { run, terminal } = await open();
    expect(await run("reindex")).toEqual(DONE);
    expect(terminal.printed).toEqual([`Indexed 1,234 posts for the search in ${LOCATION}.`]);
  });
});

describe("quire", () => {
  it("prints its version", async () => {
    const { run, terminal } = await open();
    expect(await run("--version")).toEqual(DONE);
    expect(terminal.output()).toBe("1.2.3\n");
  });

  it.each([[[]], [["serve"]]])("serves the API for %j", async (args) => {
    const { run, served } = await open();
    expect(await run(...args)).toEqual(DONE);
    expect(served()).toBe(1);
  });

  it("names the examples and the most used variables in its help", async () => {
    const { run, terminal } = await open();
    await run("--help");
    expect(terminal.output()).toContain("quire user create --new-database --role admin");
    const variables = terminal.output().match(/\b(?:HOST|PORT|QUIRE_[A-Z_]+|DATABASE_[A-Z_]+)\b/g) ?? [];
    expect(variables.filter((variable) => !CONFIG_VARIABLES.includes(variable))).toEqual([]);
    expect(variables).toContain("DATABASE_URL");
  });

  it.each([
    [["--help"], "Usage: quire [options] [command]"],
    [["user", "--help"], "Usage: quire user [options] [command]"],
    [["user", "create", "--help"], "Usage: quire user create [options]"],
    [["user", "list", "--help"], "Usage: quire user list [options]"],
    [["user", "password", "--help"], "Usage: quire user password [options] <user>"],
    [["user", "role", "--help"], "Usage: quire user role [options] <user> <role>"],
    [["move", "--help"], "Usage: quire move [options]"],
    [["serve", "--help"], "Usage: quire serve [options]"],
    [["completion", "--help"], "Usage: quire completion [options] <shell>"],
  ])("prints the help of %j on standard output", async (args, usage) => {
    const { run, terminal } = await open();
    expect(await run(...args)).toEqual(DONE);
    expect(terminal.output()).toContain(usage);
  });

  it.each([
    [["completion", "tcsh"], "Allowed choices are bash, zsh"],
    [["serve", "now"], "too many arguments"],
    [["post"], "unknown command 'post'"],
    [["user", "create", "--admin"], "unknown option '--admin'"],
    [["user", "create", "--role", "boss"], "Allowed choices are author, admin"],
    [["user", "role", "ada@example.org", "boss"], "Allowed choices are author, admin"],
    [["user", "role", "ada@example.org"], "missing required argument 'role'"],
    [["user"], "Usage: quire user"],
    [["user", "role", "nobody", "admin"], "error: invalid user: nobody. This must be an e-mail address"],
    [["user", "password", "ada@example.org"], "options are required: --password-stdin"],
    [["user", "create", "--role", "admin"], "options are required: --email, --name, --password-stdin"],
    [["move", "--from", "./data"], "error: --to is missing, and QUIRE_MOVE_TO is not set"],
    [["move"], "error: --from is missing, and QUIRE_MOVE_FROM is not set"],
  ])("exits with 64 for %j and opens no database", async (args, message) => {
    const { run, opened, moves } = await open();
    expect(await run(...args)).toEqual({ exitCode: 64, message: expect.stringContaining(message) as string });
    expect([opened, moves]).toEqual([[], []]);
  });

  it("does not show the password of a URL in a misspelt option", async () => {
    const { run } = await open();
    const { exitCode, message } = await run("move", "--form=postgres://quire:s3cret@db/quire");
    expect([exitCode, message]).toEqual([64, expect.not.stringContaining("s3cret")]);
  });
});

describe("quire user create", () => {
  it("creates a user from options and standard input", async () => {
    const { run, terminal, app, opened } = await open({ terminal: { input: "a long password\r\n" } });
    expect(await run("user", "create", ...GRACE, "--role", "admin", "--password-stdin")).toEqual(DONE);
    expect(terminal.printed).toEqual([
      expect.stringMatching(/^Created the admin grace@example.org with the id [\da-f-]{36} in \/srv\/quire\.$/),
    ]);
    expect((await app.logIn({ email: email("grace@example.org"), password: "a long password" }, null)).isOk()).toBe(
      true,
    );
    expect(opened).toEqual(["refused"]);
  });

  it("prompts for every value without an option", async () => {
    const answers = ["eve@example.org", "Eve", "battery staple"].map((answer) => ok(answer));
    const { run, terminal } = await open({ terminal: { input: null, answers } });
    expect(await run("user", "create")).toEqual(DONE);
    expect(terminal.prompts).toEqual(["E-mail address", "Name", "Password"]);
    expect(terminal.printed).toEqual([expect.stringContaining("Created the author eve@example.org")]);
  });

  it("exits with 130 if the operator cancels a prompt", async () => {
    const answers = [err({ kind: "prompt_cancelled" } as const)];
    const { run, opened } = await open({ terminal: { input: null, answers } });
    expect(await run("user", "create", ...GRACE)).toEqual({
      exitCode: 130,
      message: "Cancelled. Nothing was changed.",
    });
    expect(opened).toEqual([]);
  });

  it("may create the database with --new-database", async () => {
    const { run, opened } = await open({ terminal: { input: "a long password" } });
    expect(await run("user", "create", ...GRACE, "--password-stdin", "--new-database")).toEqual(DONE);
    expect(opened).toEqual(["allowed"]);
  });

  it("opens no database for an invalid answer", async () => {
    const { run, opened } = await open({ terminal: { input: "a long password" } });
    const invalid = ["--name", "Grace", "--email", "nonsense", "--password-stdin", "--new-database"];
    expect(await run("user", "create", ...invalid)).toMatchObject({ exitCode: 64 });
    expect(opened).toEqual([]);
  });

  it("exits with 64 for a password that is too short", async () => {
    const { run } = await open({ terminal: { input: "short" } });
    expect(await run("user", "create", ...GRACE, "--password-stdin")).toEqual({
      exitCode: 64,
      message: "The password is invalid. This must have at least 8 characters.",
    });
  });

  it("exits with 64 if standard input cannot be read", async () => {
    const read = err({ kind: "input_refused", detail: "Standard input is not UTF-8." } as const);
    const { run } = await open({ terminal: { read } });
    expect(await run("user", "create", ...GRACE, "--password-stdin")).toEqual({
      exitCode: 64,
      message: "Standard input is not UTF-8.",
    });
  });

  it("exits with 78 if the e-mail address is taken", async () => {
    const { run, ada } = await open({ terminal: { input: "a long password" } });
    const ended = await run("user", "create", "--name", "Ada", "--email", ada.email, "--password-stdin");
    expect(ended).toEqual({ exitCode: 78, message: expect.stringContaining("already exists") as string });
  });
});

describe("quire user list", () => {
  it("prints id, role, address and name of each user", async () => {
    const { run, terminal, ada } = await open();
    expect(await run("user", "list")).toEqual(DONE);
    expect(terminal.printed).toEqual([`${ada.id}  author  ${ada.email}  Ada`]);
  });

  it("prints JSON with --json", async () => {
    const { run, terminal, ada } = await open();
    expect(await run("user", "list", "--json")).toEqual(DONE);
    expect(terminal.printed.map((line) => JSON.parse(line) as object)).toMatchObject([{ id: ada.id, role: "author" }]);
  });
});

describe("quire user password", () => {
  it("keeps all of standard input but the last line break", async () => {
    const { run, ada, app } = await open({ terminal: { input: " a new password \t\n\r\n" } });
    expect(await run("user", "password", ada.id, "--password-stdin")).toEqual(DONE);
    expect((await app.logIn({ email: ada.email, password: " a new password \t\n" }, null)).isOk()).toBe(true);
  });

  it("changes a password", async () => {
    const { run, terminal, ada, app } = await open({ terminal: { input: "a new password\n" } });
    expect(await run("user", "password", ada.id, "--password-stdin")).toEqual(DONE);
    expect(terminal.printed).toEqual([
      `Changed the password of ${ada.email} and revoked all of their sessions in /srv/quire.`,
    ]);
    expect((await app.logIn({ email: ada.email, password: "a new password" }, null)).isOk()).toBe(true);
  });
});

describe("quire user role", () => {
  it("changes a role", async () => {
    const { run, terminal, ada } = await open();
    expect(await run("user", "role", ada.email.toUpperCase(), "admin")).toEqual(DONE);
    expect(terminal.printed).toEqual([`${ada.email} has the role admin in /srv/quire.`]);
  });

  it("exits with 65 for a user who does not exist", async () => {
    const { run } = await open();
    expect(await run("user", "role", "nobody@example.org", "admin")).toEqual({
      exitCode: 65,
      message: "No user has this e-mail address or id. List all users with: quire user list",
    });
  });
});

describe("the option --json", () => {
  it.each<[readonly string[], object]>([
    [["user", "create", ...GRACE, "--password-stdin"], { email: "grace@example.org", role: "author" }],
    [["user", "password", "ADA", "--password-stdin"], { name: "Ada", role: "author" }],
    [["user", "role", "ADA", "admin"], { name: "Ada", role: "admin" }],
    [["reindex"], { posts: 1234, location: LOCATION }],
    [["move", "--from", "./data", "--to", "./copy"], { tables: MOVED }],
    [["compact"], { directory: "/srv/quire", bytesAfter: 1_048_576 }],
    [["restore", "--from", "/backups", "--to", "./restored"], { directory: "./restored", program: "1.2.3" }],
  ])("of %j prints one JSON object, without a secret", async (args, expected) => {
    const { run, terminal, ada } = await open({ terminal: { input: "a new password" } });
    expect(await run(...args.map((word) => (word === "ADA" ? ada.email : word)), "--json")).toEqual(DONE);
    expect(terminal.printed.map((line) => JSON.parse(line) as object)).toMatchObject([expected]);
    expect(terminal.printed.join()).not.toMatch(/password/i);
  });
});

describe("quire backup", () => {
  it("prints the location, the position and the rows of the proven backup, and the old backups that were removed", async () => {
    const { run, terminal, backups } = await open();
    expect(await run("backup", "--to", "/backups", "--keep", "7")).toEqual(DONE);
    expect(backups).toEqual([{ to: "/backups", keep: 7 }]);
    expect(terminal.printed).toEqual([
      `Backed up to ${BACKUP.location}: all writes before 0/16EF9D0. Proven by a restore:`,
      "public.posts          3 rows  checksum 17",
      "Removed the old backup /backups/old.tar.gz.",
    ]);
  });

  it("prints one JSON object with --json, and leaves the location to the environment without --to", async () => {
    const { run, terminal, backups } = await open();
    expect(await run("backup", "--json")).toEqual(DONE);
    expect(backups).toEqual([{}]);
    expect(terminal.printed.map((line) => JSON.parse(line) as object)).toEqual([
      { ...BACKUP, removed: ["/backups/old.tar.gz"] },
    ]);
  });

  it.each(["0", "-1", "1.5", "many", "10001"])("exits with 64 for --keep %s", async (keep) => {
    const { run, backups } = await open();
    const ended = await run("backup", "--to", "/backups", `--keep=${keep}`);
    expect(ended).toEqual({ exitCode: 64, message: "error: --keep must be a whole number from 1 to 10000" });
    expect(backups).toEqual([]);
  });
});

describe("quire restore", () => {
  it.each([
    [[], false, "Restored"],
    [["--dry-run"], true, "Rehearsed, without a change:"],
  ])("restores to a directory with the options %j", async (more, isRehearsal, event) => {
    const { run, terminal, restorations } = await open();
    expect(await run("restore", "--from", "/backups", "--to", "/srv/new", ...more)).toEqual(DONE);
    expect(restorations).toEqual([{ from: "/backups", to: "/srv/new", isRehearsal }]);
    expect(terminal.printed[0]).toContain(event);
    expect(terminal.printed[1]).toBe("public.posts          3 rows  checksum 17");
  });

  it.each([
    ["--to", ["--from", "/backups"]],
    ["--from", ["--to", "/srv/new"]],
  ])("exits with 64 without %s", async (missing, args) => {
    const { run } = await open();
    const { exitCode, message } = await run("restore", ...args);
    expect(exitCode).toBe(64);
    expect(message).toContain(missing);
  });
});

describe("quire move", () => {
  it("moves between the endpoints of the options, and prints rows and checksums", async () => {
    const { run, terminal, moves } = await open({ locations: { from: "./a", to: "./b" } });
    expect(await run("move", "--from", "./c")).toEqual(DONE);
    expect(moves).toEqual([{ from: "./c", to: "./b" }]);
    expect(terminal.printed).toEqual([
      "Verified: source and target are identical.",
      "users                     3 rows  checksum 17",
      "idempotency_keys      12345 rows  checksum 18",
    ]);
  });

  it.each([
    [["--from", "-", "--to", "-"], "postgres://a\n\n./b\n", { from: "postgres://a", to: "./b" }],
    [["--from", "./a", "--to", "-"], "postgres://b\r\n", { from: "./a", to: "postgres://b" }],
  ])("reads the endpoint of %j from standard input", async (args, input, expected) => {
    const { run, moves } = await open({ terminal: { input } });
    expect(await run("move", ...args)).toEqual(DONE);
    expect(moves).toEqual([expected]);
  });

  it("exits with 64 if standard input has a wrong number of lines", async () => {
    const { run, moves } = await open({ terminal: { input: "postgres://quire:s3cret@db/quire" } });
    expect(await run("move", "--from", "-", "--to", "-")).toEqual({
      exitCode: 64,
      message: "error: standard input has 1 lines, but 2 are expected: one for each -",
    });
    expect(moves).toEqual([]);
  });

  it("exits with the code of a move that fails, and prints nothing", async () => {
    const failure = { kind: "config_invalid", problems: [{ variable: "--from", detail: "must look like …" }] } as const;
    const { run, terminal } = await open({ moved: err(failure), locations: { from: "./a", to: "./b" } });
    expect(await run("move")).toEqual({
      exitCode: 78,
      message: "The configuration is invalid:\n  --from must look like …",
    });
    expect(terminal.printed).toEqual([]);
  });
});
