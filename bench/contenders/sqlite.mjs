import Database from "better-sqlite3";

/** A database in WAL mode. `FULL` flushes each commit; `NORMAL` flushes at the next checkpoint. */
export function openSqlite(path, synchronous) {
  const db = new Database(path);
  db.pragma("journal_mode = WAL");
  db.pragma(`synchronous = ${synchronous}`);
  return db;
}
