import { PGlite } from "@electric-sql/pglite";
import type { Durability } from "../../../application/ports/storage-probe.ts";
import { ENGINE_DESCRIPTORS } from "../../node/file-descriptors.ts";

/** What PostgreSQL is started with (PostgreSQL 18, chapter 19). */
export function startParameters(durability: Exclude<Durability, "none">): string[] {
  const settings = {
    // PGlite's default, fdatasync, does nothing.
    wal_sync_method: "fsync",
    // Filling PGlite's default of 128 MB with zeros takes half of an opening; what is not kept here is a read away in the
    // operating system's cache, which costs a lookup a few microseconds.
    shared_buffers: "32MB",
    // Every statement of an adapter is right with one plan, whatever its values; planning a page anew takes 15 to 25 µs.
    plan_cache_mode: "force_generic_plan",
    // What has an index in its order is read by it, and never sorted: where nothing is known of many new rows, PostgreSQL
    // expects few, and would sort all of them for a page. What has no such index is sorted all the same.
    enable_sort: "off",
    enable_incremental_sort: "off",
    // Everybody waits while a table is analysed. A tenth of PostgreSQL's sample takes a tenth of the time, and tells enough
    // for these plans.
    default_statistics_target: "10",
    // So that the descriptors that it takes can be counted on; one more file is opened for another that is closed.
    max_files_per_process: String(ENGINE_DESCRIPTORS),
    // A file that may only grow is known to be damaged when it is shorter than it was.
    vacuum_truncate: "off",
    // What is kept of the write-ahead log beyond a checkpoint, so that it is bounded on the disk.
    max_wal_size: "96MB",
    min_wal_size: "32MB",
    // The errors of statements are answers, and quote values; what is left is what PostgreSQL says of itself.
    log_min_messages: "log",
  };
  return [
    // PGlite's own parameters have -F in them, which is fsync=off.
    ...PGlite.defaultStartParams.filter((parameter) => parameter !== "-F"),
    ...(durability === "relaxed" ? ["-F"] : []),
    ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
  ];
}
