import { ENGINE_DESCRIPTORS } from "../../node/file-descriptors.ts";
import type { EngineSettings } from "../engine/start-parameters.ts";

/** The settings of PostgreSQL for every schema (PostgreSQL 18, chapter 19). */
export const ENGINE_SETTINGS: EngineSettings = {
  // PGlite's default of 128 MB spends half of a start on filling memory with zeros. The operating system's cache holds
  // the rest of the database, which costs a lookup a few microseconds.
  shared_buffers: "32MB",
  // Bounds PostgreSQL's file descriptors: at the limit it closes a file before it opens another.
  max_files_per_process: String(ENGINE_DESCRIPTORS),
  // Bounds the write-ahead log on the disk.
  max_wal_size: "48MB",
  min_wal_size: "32MB",
  // Nothing is replicated. Otherwise each checkpoint would write a file for it, and flush it and its directory.
  max_active_replication_origins: "0",
  // Errors of statements go to the client, and they quote values. The log holds only PostgreSQL's messages about
  // itself.
  log_min_messages: "log",
};

/** Settings that no schema may change. */
export const REQUIRED_SETTINGS: EngineSettings = {
  // Relation files only grow, so one that is shorter than recorded is damaged.
  vacuum_truncate: "off",
};
