import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database, { SqliteError } from "better-sqlite3";
import { storageContract } from "quire-api/contracts";
import { sqliteStorage } from "./sqlite-storage.ts";

const TABLES = ["users", "removals", "posts", "sessions", "replay_records"];

/** A result code of SQLite for each reason of a failure. */
const CODES = {
  busy: "SQLITE_BUSY",
  full: "SQLITE_FULL",
  corrupt: "SQLITE_CORRUPT",
  outcome_unknown: "SQLITE_IOERR_WRITE",
  unavailable: "SQLITE_READONLY",
};

storageContract({
  name: "SQLite",
  capabilities: {
    abortsFailedTransactions: false,
    serialisesUnits: true,
    blocksOuterReads: true,
    durability: "relaxed",
  },
  open: async (options) => {
    const directory = mkdtempSync(join(tmpdir(), "quire-sqlite-"));
    const open = () => {
      const db = new Database(join(directory, "quire.sqlite"));
      db.pragma("synchronous = off");
      return { db, storage: sqliteStorage(db, options) };
    };
    let { db, storage } = open();
    return {
      empty: async () => {
        for (const table of TABLES) db.exec(`delete from ${table}`);
        return storage;
      },
      reopen: async () => {
        db.close();
        ({ db, storage } = open());
        return storage;
      },
      failWrites: async (reason) => {
        db.function("fail", () => {
          throw new SqliteError("A failure on purpose.", CODES[reason]);
        });
        for (const table of TABLES) {
          for (const write of ["insert", "update", "delete"])
            db.exec(`create trigger fail_${write}_${table} before ${write} on ${table} begin select fail(); end`);
        }
      },
      close: async () => {
        db.close();
        rmSync(directory, { recursive: true });
      },
    };
  },
});
