import { pg_trgm as pgTrgm } from "@electric-sql/pglite/contrib/pg_trgm";
import { unaccent } from "@electric-sql/pglite/contrib/unaccent";
import { ENGINE_DESCRIPTORS } from "../../node/file-descriptors.ts";
import type { EngineSettings } from "../engine/start-parameters.ts";

/** The extensions of the schema (drizzle/). PGlite needs them at each start. */
export const SCHEMA_EXTENSIONS = { pg_trgm: pgTrgm, unaccent };

/** Quire's settings of PostgreSQL (PostgreSQL 18, chapter 19). */
export const ENGINE_SETTINGS: EngineSettings = {
  // PGlite's default of 128 MB spends half of a start on filling memory with zeros. The operating system's cache holds
  // the rest of the database, which costs a lookup a few microseconds.
  shared_buffers: "32MB",
  // Every statement of an adapter needs one plan only, whatever its values. Planning a page again takes 15 to 25 µs.
  plan_cache_mode: "force_generic_plan",
  // A list is read from an index in its order. When statistics for many new rows are missing, PostgreSQL expects few
  // rows, and would sort all of them for one page. A query without such an index is still sorted.
  enable_sort: "off",
  enable_incremental_sort: "off",
  // All requests wait while a table is analysed. A tenth of PostgreSQL's default sample takes a tenth of the time, and
  // is enough for these plans.
  default_statistics_target: "10",
  // Bounds PostgreSQL's file descriptors: at the limit it closes a file before it opens another.
  max_files_per_process: String(ENGINE_DESCRIPTORS),
  // Relation files only grow, so one that is shorter than recorded is damaged.
  vacuum_truncate: "off",
  // Bounds the write-ahead log on the disk.
  max_wal_size: "96MB",
  min_wal_size: "32MB",
  // Errors of statements go to the client, and they quote values. The log holds only PostgreSQL's messages about
  // itself.
  log_min_messages: "log",
};
