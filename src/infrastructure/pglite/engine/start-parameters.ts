import { PGlite } from "@electric-sql/pglite";
import type { EngineDurability } from "./node-fs.ts";

/** Settings of PostgreSQL by name, such as `{ shared_buffers: "32MB" }` (PostgreSQL 18, chapter 19). */
export type EngineSettings = Readonly<Record<string, string>>;

/** PostgreSQL's command line: the arguments of PGlite, an fsync that reaches the disk, and the settings of the host. */
export function startParameters(durability: EngineDurability, settings: EngineSettings): string[] {
  // PGlite's default for wal_sync_method, fdatasync, does nothing.
  const all = { ...settings, wal_sync_method: "fsync" };
  return [
    // PGlite's own arguments include -F, which means fsync=off.
    ...PGlite.defaultStartParams.filter((parameter) => parameter !== "-F"),
    ...(durability === "relaxed" ? ["-F"] : []),
    ...Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
  ];
}
