import { describe, expect, it } from "vitest";
import type { Damage } from "../../../src/infrastructure/pglite/directory/damage.ts";
import { DrizzleQueryError } from "drizzle-orm";
import { EXIT } from "../../../src/bootstrap/exit-codes.ts";
import { explain, type ProcessFailure } from "../../../src/bootstrap/process-failure.ts";

const directory = "/srv/quire";
const cause = new Error("it broke");
/** As Deno throws it. */
const notCapable = Object.assign(new Error("Requires ffi access, run again with the --allow-ffi flag"), {
  name: "NotCapable",
});

interface Case {
  readonly failure: ProcessFailure;
  readonly exitCode: number;
  /** Texts that the message must contain. */
  readonly says: readonly (string | RegExp)[];
}

const REASONS = ["unavailable", "full", "corrupt", "busy", "outcome_unknown"] as const;

const damage = (what: Damage, says: readonly string[]): Case => ({
  failure: { kind: "data_directory_damaged", directory, damage: what },
  exitCode: 65,
  says: [directory, /nothing (?:else )?in it was changed/i, "backup", "QUIRE_DATA_DIR", ...says],
});

/** Every kind of failure. A missing kind does not compile. */
const CASES: Readonly<Record<ProcessFailure["kind"], readonly Case[]>> = {
  config_invalid: [
    {
      failure: {
        kind: "config_invalid",
        problems: [
          { variable: "PORT", detail: "must be a number" },
          { variable: "QUIRE_LOG_LEVEL", detail: "must be a level" },
        ],
      },
      exitCode: 78,
      says: ["\n  PORT must be a number\n  QUIRE_LOG_LEVEL must be a level"],
    },
  ],
  backup_source_failed: [
    {
      failure: {
        kind: "backup_source_failed",
        directory,
        reason: "busy",
        detail: "a backup or a verification of it is running",
      },
      exitCode: 75,
      says: [directory, "a backup or a verification of it is running", "Nothing was copied", "wait until it ends"],
    },
    {
      failure: { kind: "backup_source_failed", directory, reason: "failed", detail: "the engine was restarted" },
      exitCode: 74,
      says: [directory, "the engine was restarted", "Run the command again"],
    },
  ],
  backup_interrupted: [
    {
      failure: { kind: "backup_interrupted", isCancelled: true, location: "/backups/a.tar.gz", cause },
      exitCode: 130,
      says: ["Cancelled", "nothing of it remains"],
    },
    {
      failure: { kind: "backup_interrupted", isCancelled: false, location: "/backups/a.tar.gz", cause },
      exitCode: 74,
      says: ["/backups/a.tar.gz", "it broke", "Nothing of it remains"],
    },
  ],
  backup_not_proven: [
    {
      failure: {
        kind: "backup_not_proven",
        location: "/backups/a.tar.gz",
        cause: { kind: "table_differs", table: "public.posts" },
      },
      exitCode: 65,
      says: ["/backups/a.tar.gz", "the rows of public.posts differ", "was removed", "Run it again"],
    },
    {
      failure: {
        kind: "backup_not_proven",
        location: "/backups/a.tar.gz",
        cause: { kind: "engine_not_started", directory, detail: "no space", lastLines: [] },
      },
      exitCode: 65,
      says: ["its database does not start (no space)"],
    },
  ],
  damage_found: [
    {
      failure: { kind: "damage_found", directory, checks: ["indexes", "quotas"] },
      exitCode: 65,
      says: [directory, "indexes, quotas", "Nothing was changed"],
    },
  ],
  done_by_server_tools: [
    {
      failure: { kind: "done_by_server_tools", task: "verification", location: "postgres://db/quire" },
      exitCode: 64,
      says: ["postgres://db/quire", 'pg_amcheck --heapallindexed --install-missing "$DATABASE_URL"'],
    },
    {
      failure: { kind: "done_by_server_tools", task: "compaction", location: "postgres://db/quire" },
      exitCode: 64,
      says: ["postgres://db/quire", 'vacuumdb --full --analyze "$DATABASE_URL"'],
    },
    {
      failure: { kind: "done_by_server_tools", task: "upgrade", location: "postgres://db/quire" },
      exitCode: 64,
      says: ["postgres://db/quire", "tool for an upgrade", "pg_upgrade --old-datadir"],
    },
  ],
  upgrade_unsupported: [
    {
      failure: { kind: "upgrade_unsupported", directory, format: 1, postgresql: 21 },
      exitCode: 78,
      says: [directory, "PostgreSQL 21", "a newer version of Quire", "Nothing was changed"],
    },
    {
      failure: { kind: "upgrade_unsupported", directory, format: 1, postgresql: 12 },
      exitCode: 78,
      says: [directory, "PostgreSQL 12", "upgrades PostgreSQL 16 and 17", "Nothing was changed"],
    },
  ],
  old_database_kept: [
    {
      failure: { kind: "old_database_kept", kept: "/srv/quire/quire.before-upgrade" },
      exitCode: 73,
      says: ["/srv/quire/quire.before-upgrade", "Delete it or move it", "Nothing was changed"],
    },
  ],
  old_package_unavailable: [
    {
      failure: { kind: "old_package_unavailable", version: "0.4.6", detail: "npm is not installed" },
      exitCode: 69,
      says: ["@electric-sql/pglite@0.4.6", "npm is not installed", "quire upgrade --pglite", "Nothing was changed"],
    },
  ],
  old_package_wrong: [
    {
      failure: {
        kind: "old_package_wrong",
        path: "/srv/pglite",
        version: "0.4.6",
        found: "@electric-sql/pglite 0.2.17",
      },
      exitCode: 78,
      says: ["/srv/pglite", "has @electric-sql/pglite 0.2.17", "npm install --prefix", "@electric-sql/pglite@0.4.6"],
    },
    {
      failure: { kind: "old_package_wrong", path: "/srv/pglite", version: "0.4.6", found: null },
      exitCode: 78,
      says: ["/srv/pglite", "has no package"],
    },
  ],
  upgrade_differs: [
    {
      failure: { kind: "upgrade_differs", table: "public.notes", difference: "schema" },
      exitCode: 65,
      says: ["public.notes", "migrations of Quire", "Nothing was changed"],
    },
    {
      failure: { kind: "upgrade_differs", table: "public.posts", difference: "rows" },
      exitCode: 65,
      says: ["rows of public.posts differ", "unchanged"],
    },
  ],
  upgrade_interrupted: [
    {
      failure: { kind: "upgrade_interrupted", directory, isCancelled: true, cause: null },
      exitCode: 130,
      says: ["Cancelled", "The old database is unchanged"],
    },
    {
      failure: { kind: "upgrade_interrupted", directory, isCancelled: false, cause },
      exitCode: 74,
      says: [directory, "it broke", "The old database is unchanged", "Run the command again"],
    },
  ],
  reindex_cancelled: [
    { failure: { kind: "reindex_cancelled", posts: 1234 }, exitCode: 130, says: ["1,234 posts", "run it again"] },
  ],
  compaction_cancelled: [
    {
      failure: { kind: "compaction_cancelled", done: 3, total: 9 },
      exitCode: 130,
      says: ["3 of 9 tables", "Nothing is lost"],
    },
  ],
  verification_interrupted: [
    {
      failure: { kind: "verification_interrupted", directory, isCancelled: true, cause: null },
      exitCode: 130,
      says: ["Cancelled", "nothing was changed"],
    },
    {
      failure: { kind: "verification_interrupted", directory, isCancelled: false, cause: new Error("no space") },
      exitCode: 74,
      says: [directory, "no space", "Nothing was changed"],
    },
  ],
  backup_by_server_tools: [
    {
      failure: { kind: "backup_by_server_tools", location: "postgres://db/quire" },
      exitCode: 64,
      says: [
        "postgres://db/quire",
        'pg_dump --format=custom --file=quire.dump "$DATABASE_URL"',
        'pg_restore --no-owner --exit-on-error --dbname="$DATABASE_URL" quire.dump',
      ],
    },
  ],
  backup_missing: [
    { failure: { kind: "backup_missing", location: "/backups" }, exitCode: 78, says: ["/backups", "--from"] },
  ],
  backup_location_invalid: [
    {
      failure: { kind: "backup_location_invalid", location: "ftp://x", detail: "it must be a file" },
      exitCode: 78,
      says: ["ftp://x", "it must be a file"],
    },
  ],
  backup_store_failed: [
    {
      failure: { kind: "backup_store_failed", location: "/backups", cause },
      exitCode: 74,
      says: ["/backups", "it broke"],
    },
  ],
  backup_damaged: [
    {
      failure: {
        kind: "backup_damaged",
        location: "/backups/a.tar.gz",
        cause: { kind: "archive_damaged", detail: "it ends before its manifest" },
      },
      exitCode: 65,
      says: ["/backups/a.tar.gz", "it ends before its manifest", "Nothing was restored", "another backup"],
    },
    {
      failure: {
        kind: "backup_damaged",
        location: "/backups/a.tar.gz",
        cause: { kind: "data_directory_damaged", directory, damage: { kind: "missing", path: "cluster/base" } },
      },
      exitCode: 65,
      says: ["cluster/base is missing"],
    },
  ],
  backup_too_new: [
    {
      failure: { kind: "backup_too_new", location: "/backups/a.tar.gz", program: "9.9.9" },
      exitCode: 78,
      says: ["/backups/a.tar.gz", "Nothing was restored", "Quire 9.9.9 or a later version"],
    },
  ],
  backup_too_old: [
    {
      failure: { kind: "backup_too_old", location: "/backups/a.tar.gz", program: "1.0.0", postgresql: 17 },
      exitCode: 78,
      says: ["/backups/a.tar.gz", "PostgreSQL 17", "Nothing was restored", "with Quire 1.0.0", "quire upgrade"],
    },
  ],
  restore_interrupted: [
    {
      failure: { kind: "restore_interrupted", isCancelled: true, location: "/backups/a.tar.gz", cause },
      exitCode: 130,
      says: ["Cancelled. Nothing was restored."],
    },
    {
      failure: { kind: "restore_interrupted", isCancelled: false, location: "/backups/a.tar.gz", cause },
      exitCode: 74,
      says: ["/backups/a.tar.gz", "it broke", "Nothing of it remains"],
    },
  ],
  restore_target_not_empty: [
    {
      failure: { kind: "restore_target_not_empty", directory, found: ["notes.txt"] },
      exitCode: 73,
      says: [directory, "notes.txt", "nothing was restored", "a new or empty directory"],
    },
  ],
  data_directory_in_use: [
    {
      failure: {
        kind: "data_directory_in_use",
        directory,
        holder: { pid: 4711, host: "db1", since: "2026-03-01T12:00:00.000Z" },
      },
      exitCode: 75,
      says: [directory, "process 4711 on db1, since 2026-03-01T12:00:00.000Z", "QUIRE_DATA_DIR"],
    },
    {
      failure: { kind: "data_directory_in_use", directory, holder: null },
      exitCode: 75,
      says: [directory, "another process", "QUIRE_DATA_DIR"],
    },
  ],
  descriptors_too_few: [
    {
      failure: { kind: "descriptors_too_few", limit: 128, needed: 384, recommended: 576 },
      exitCode: 78,
      says: ["128 files", "needs 384", "ulimit -n 576", "LimitNOFILE=576", "--ulimit nofile=576"],
    },
  ],
  kernel_lock_unavailable: [
    {
      failure: { kind: "kernel_lock_unavailable", runtime: "Deno", platform: "darwin" },
      exitCode: 78,
      says: ["supported in Deno on Linux only", "darwin", "Node.js", "DATABASE_URL"],
    },
  ],
  disk_too_small: [
    {
      failure: {
        kind: "disk_too_small",
        directory,
        purpose: "create",
        resource: "bytes",
        free: 20 * 1_048_576,
        needed: 112 * 1_048_576,
      },
      exitCode: 74,
      says: [directory, "20 MiB free", "a new database needs 112 MiB", "QUIRE_DATA_DIR", "QUIRE_FREE_SPACE_MIB"],
    },
    {
      failure: { kind: "disk_too_small", directory, purpose: "migrate", resource: "inodes", free: 3, needed: 64 },
      exitCode: 74,
      says: [directory, "3 inodes free", "schema needs 64 inodes"],
    },
  ],
  data_directory_gone: [
    {
      failure: { kind: "data_directory_gone", directory },
      exitCode: 74,
      says: [directory, "removed, renamed or unmounted", "backup"],
    },
  ],
  no_database: [
    {
      failure: { kind: "no_database", location: directory },
      exitCode: 78,
      says: [directory, "none was created", "QUIRE_DATA_DIR", "DATABASE_URL", "--from", "--new-database"],
    },
  ],
  program_failed: [
    {
      failure: {
        kind: "program_failed",
        cause: Object.assign(new Error("ENOENT: no such file or directory, statfs '/srv/quire'"), {
          errno: -2,
          syscall: "statfs",
        }),
      },
      exitCode: 74,
      says: ["The operating system refused: ENOENT", "statfs", "No acknowledged write is lost"],
    },
    {
      failure: { kind: "program_failed", cause: new TypeError("x is not a function") },
      exitCode: 70,
      says: ["defect", "x is not a function"],
    },
    ...[notCapable, new Error("Cannot load addon", { cause: notCapable })].map((cause) => ({
      failure: { kind: "program_failed", cause } as const,
      exitCode: 78,
      says: ["Deno refused: Requires ffi access", "deno run --allow-net", "--allow-ffi"],
    })),
    { failure: { kind: "program_failed", cause: undefined }, exitCode: 70, says: ["no reason was given"] },
  ],
  data_directory_foreign: [
    {
      failure: { kind: "data_directory_foreign", directory, found: ["photos", "notes.txt"] },
      exitCode: 73,
      says: [directory, "photos, notes.txt", "nothing was written", "QUIRE_DATA_DIR"],
    },
  ],
  data_directory_damaged: [
    damage({ kind: "missing", path: "cluster/PG_VERSION" }, ["cluster/PG_VERSION is missing"]),
    damage({ kind: "truncated", path: "cluster/base/5/16384", bytes: 8192, expectedBytes: 16384 }, [
      "cluster/base/5/16384 has 8192 bytes and had 16384",
    ]),
    damage({ kind: "unreadable", path: "cluster/global/pg_control" }, ["cluster/global/pg_control cannot be read"]),
    damage({ kind: "log_ends_early", endsAt: "0/16B3748", neededUntil: "0/16B3800" }, [
      "up to 0/16B3748",
      "up to 0/16B3800",
      "remove quire.acknowledged",
    ]),
    damage({ kind: "index_damaged", index: "posts_pkey", detail: "item order invariant violated" }, [
      "index posts_pkey",
      "item order invariant violated",
    ]),
  ],
  data_directory_incompatible: [
    {
      failure: { kind: "data_directory_incompatible", directory, format: 9, postgresql: 21 },
      exitCode: 78,
      says: [directory, "format 9", "PostgreSQL 21", "Nothing was written", "Run a newer version of Quire"],
    },
    {
      failure: { kind: "data_directory_incompatible", directory, format: 1, postgresql: 17 },
      exitCode: 78,
      says: [directory, "PostgreSQL 17", "Nothing was written", "Upgrade it with: quire upgrade"],
    },
    {
      failure: { kind: "data_directory_incompatible", directory, format: 1, postgresql: 12 },
      exitCode: 78,
      says: [directory, "PostgreSQL 12", "Nothing was written", "Run the version of Quire that created it"],
    },
  ],
  data_directory_unusable: [
    {
      failure: { kind: "data_directory_unusable", directory, cause },
      exitCode: 74,
      says: [directory, "it broke", "Check"],
    },
    {
      failure: { kind: "data_directory_unusable", directory, cause: "no error object" },
      exitCode: 74,
      says: [directory, "no error object"],
    },
    { failure: { kind: "data_directory_unusable", directory, cause: null }, exitCode: 74, says: [directory] },
    {
      failure: {
        kind: "data_directory_unusable",
        directory,
        cause: new DrizzleQueryError("create schema drizzle", ["secret"], new Error("could not extend file")),
      },
      exitCode: 74,
      says: ["could not extend file"],
    },
  ],
  engine_not_started: [
    {
      failure: { kind: "engine_not_started", directory, detail: "it aborted", lastLines: ["PANIC: no checkpoint"] },
      exitCode: 74,
      says: [directory, "it aborted", "\nIts last log lines:\n  PANIC: no checkpoint"],
    },
    {
      failure: {
        kind: "engine_not_started",
        directory,
        detail: "it aborted",
        lastLines: ["ERROR:  out of files", "STATEMENT:  select", "\tfrom secret", "LOG:  shutting down"],
      },
      exitCode: 74,
      says: [/last log lines:\n  ERROR:  out of files\n  LOG:  shutting down$/],
    },
    {
      failure: { kind: "engine_not_started", directory, detail: "it aborted", lastLines: [] },
      exitCode: 74,
      says: [/deleted\.$/],
    },
  ],
  engine_gave_up: [
    {
      failure: {
        kind: "engine_gave_up",
        failures: 9,
        cause: { kind: "engine_failed", reason: "panic", detail: "PANIC: disk", lastLines: ["PANIC: disk"] },
      },
      exitCode: 74,
      says: ["9 times", "PANIC: disk", "acknowledged", "last log lines"],
    },
    {
      failure: {
        kind: "engine_gave_up",
        failures: 1,
        cause: { kind: "cluster_damaged", damage: { kind: "missing", path: "cluster/base/5/16384" } },
      },
      exitCode: 65,
      says: ["cluster/base/5/16384 is missing"],
    },
  ],
  stop_unclean: [
    {
      failure: { kind: "stop_unclean", detail: "its last checkpoint failed" },
      exitCode: 74,
      says: ["its last checkpoint failed", "next start"],
    },
  ],
  database_unreachable: [
    {
      failure: { kind: "database_unreachable", waitedMs: 60_123, cause },
      exitCode: 69,
      says: ["60 s", "it broke", "DATABASE_URL", "DATABASE_START_TIMEOUT_MS"],
    },
  ],
  database_refused: [
    {
      failure: { kind: "database_refused", cause },
      exitCode: 78,
      says: ["it broke", "DATABASE_URL", "docs/postgresql.md"],
    },
  ],
  transfer_target_not_empty: [
    {
      failure: { kind: "transfer_target_not_empty", location: "/srv/new", table: "posts" },
      exitCode: 73,
      says: ["/srv/new", "posts", "nothing was copied", "empty"],
    },
  ],
  transfer_target_of_another: [
    {
      failure: { kind: "transfer_target_of_another", location: "postgres://db/quire", from: "/srv/old" },
      exitCode: 73,
      says: ["postgres://db/quire", "/srv/old", "another target"],
    },
  ],
  transfer_interrupted: [
    { failure: { kind: "transfer_interrupted", isCancelled: false, cause }, exitCode: 74, says: ["it broke", "again"] },
    {
      failure: { kind: "transfer_interrupted", isCancelled: true, cause },
      exitCode: 130,
      says: ["Cancelled", "continues"],
    },
  ],
  transfer_differs: [
    {
      failure: {
        kind: "transfer_differs",
        from: { table: "posts", rows: 3, checksum: "17" },
        to: { table: "posts", rows: 4, checksum: "18" },
      },
      exitCode: 65,
      says: ["posts", "3 rows", "17", "4 with 18", "Stop every Quire"],
    },
  ],
  migrations_unreadable: [
    {
      failure: { kind: "migrations_unreadable", folder: "/app/drizzle", cause },
      exitCode: 70,
      says: ["/app/drizzle", "it broke", "Reinstall"],
    },
  ],
  database_unsuitable: [
    {
      failure: { kind: "database_unsuitable", detail: "The database is encoded in LATIN1. Create one in UTF8." },
      exitCode: 78,
      says: ["encoded in LATIN1", "Create one in UTF8"],
    },
  ],
  migration_drift: [
    {
      failure: { kind: "migration_drift", drift: "contracted", migration: "2026-03-01T12:00:00.000Z" },
      exitCode: 78,
      says: ["A newer version of Quire has changed", "2026-03-01T12:00:00.000Z", "Run the newer version"],
    },
    {
      failure: { kind: "migration_drift", drift: "foreign", migration: "2026-03-01T12:00:00.000Z" },
      exitCode: 78,
      says: ["another application", "drizzle.__drizzle_migrations", "a separate database"],
    },
    {
      failure: { kind: "migration_drift", drift: "unknown", migration: "2026-03-01T12:00:00.000Z" },
      exitCode: 78,
      says: ["2026-03-01T12:00:00.000Z", "between migrations", "Run the version that applied it"],
    },
    {
      failure: { kind: "migration_drift", drift: "changed", migration: "0001_users" },
      exitCode: 78,
      says: ["0001_users", "other contents", "Restore"],
    },
    {
      failure: { kind: "migration_drift", drift: "out_of_order", migration: "0001_users" },
      exitCode: 78,
      says: ["0001_users", "older", "Generate it again"],
    },
    {
      failure: { kind: "migration_drift", drift: "newer", migration: "2026-03-01T12:00:00.000Z" },
      exitCode: 78,
      says: ["2026-03-01T12:00:00.000Z", "Upgrade it with that version or a newer one"],
    },
  ],
  listen_failed: [
    {
      failure: { kind: "listen_failed", host: "127.0.0.1", port: 80, cause },
      exitCode: 69,
      says: ["127.0.0.1:80", "it broke", "HOST", "PORT=0"],
    },
  ],
  email_taken: [{ failure: { kind: "email_taken" }, exitCode: 78, says: ["e-mail address"] }],
  password_hashing_failed: [
    { failure: { kind: "password_hashing_failed", cause }, exitCode: 70, says: ["password", "it broke"] },
  ],
  password_hashing_busy: [{ failure: { kind: "password_hashing_busy" }, exitCode: 69, says: ["passwords", "again"] }],
  storage_failure: REASONS.map((reason) => ({
    failure: { kind: "storage_failure", reason, isTransient: false, operation: "users.hasAdmin", cause },
    exitCode: 74,
    says: [reason, "users.hasAdmin", "it broke"],
  })),
  command_line_invalid: [
    {
      failure: { kind: "command_line_invalid", detail: "error: unknown command 'post'" },
      exitCode: 64,
      says: [/^error: unknown command 'post'$/],
    },
  ],
  answer_refused: [
    {
      failure: { kind: "answer_refused", answer: "password", detail: "This must have at least 8 characters." },
      exitCode: 64,
      says: ["The password is invalid. This must have at least 8 characters."],
    },
  ],
  input_refused: [
    {
      failure: { kind: "input_refused", detail: "Standard input is not UTF-8." },
      exitCode: 64,
      says: ["Standard input is not UTF-8."],
    },
  ],
  prompt_cancelled: [{ failure: { kind: "prompt_cancelled" }, exitCode: 130, says: ["Nothing was changed."] }],
  user_not_found: [
    { failure: { kind: "user_not_found" }, exitCode: 65, says: ["e-mail address or id", "quire user list"] },
  ],
  version_conflict: [{ failure: { kind: "version_conflict" }, exitCode: 65, says: ["changed the user", "again"] }],
  precondition_failed: [
    { failure: { kind: "precondition_failed", current: null } as never, exitCode: 65, says: ["changed", "again"] },
  ],
  forbidden: [{ failure: { kind: "forbidden" }, exitCode: 65, says: ["may not"] }],
  current_password_required: [
    { failure: { kind: "current_password_required" }, exitCode: 65, says: ["current password", "missing"] },
  ],
  wrong_password: [{ failure: { kind: "wrong_password" }, exitCode: 65, says: ["current password", "wrong"] }],
  last_admin: [{ failure: { kind: "last_admin" }, exitCode: 65, says: ["last admin", "quire user role <user> admin"] }],
};

const TABLE = Object.entries(CASES).flatMap(([kind, cases]) => cases.map((each) => ({ kind, ...each })));

describe("explain", () => {
  it.each(TABLE)("explains $kind and exits with $exitCode", ({ failure, exitCode, says }) => {
    const explanation = explain(failure);
    expect(explanation.exitCode).toBe(exitCode);
    for (const part of says) expect(explanation.message).toMatch(part);
    expect(explanation.message).not.toMatch(
      /undefined|\[object|\bat .*:\d+:\d+\n|Failed query|select|create schema|secret/,
    );
  });

  it.each(TABLE)("exits for $kind with a documented code other than 0", ({ failure }) => {
    const { exitCode } = explain(failure);
    expect(Object.values(EXIT)).toContain(exitCode);
    expect(exitCode).not.toBe(EXIT.ok);
  });

  it("removes the password of a URL, and escapes control characters of a terminal", () => {
    const cause = new Error("no host in postgres://quire:pa@ss@db/quire \u001B[31m\u202E");
    const { message } = explain({ kind: "database_refused", cause });
    expect(message).toContain(String.raw`no host in postgres://…@db/quire \u001B[31m\u202E`);
  });

  it("uses the codes of sysexits(3)", () => {
    expect(EXIT).toEqual({
      ok: 0,
      usage: 64,
      dataError: 65,
      unavailable: 69,
      software: 70,
      cannotCreate: 73,
      io: 74,
      inUse: 75,
      config: 78,
      interrupted: 130,
    });
  });
});
