import * as z from "zod";

/** The migrations that were applied to a database: their number, and the time of the newest one. */
const SchemaVersion = z.object({ migrations: z.int().nonnegative(), newest: z.number() });
export type SchemaVersion = Readonly<z.infer<typeof SchemaVersion>>;

const BackedUpTable = z.object({ table: z.string(), rows: z.int().nonnegative(), checksum: z.string() });
export type BackedUpTable = Readonly<z.infer<typeof BackedUpTable>>;

const ArchivedFile = z.object({ path: z.string(), bytes: z.int().nonnegative(), sha256: z.hash("sha256") });
export type ArchivedFile = Readonly<z.infer<typeof ArchivedFile>>;

/** The version of the archive's format. It increases when older programs cannot read the new format. */
export const BACKUP_FORMAT = 1;

/** The last member of a backup. A backup without it was not completed. */
export const Manifest = z.object({
  format: z.int(),
  /** The version of the program that made the backup. */
  program: z.string(),
  /** The time of the backup, RFC 3339. */
  createdAt: z.iso.datetime(),
  /** The major version of PostgreSQL. */
  postgresql: z.int(),
  schema: SchemaVersion,
  /** All writes that were acknowledged before this position of the write-ahead log are in the backup. */
  lsn: z.string(),
  tables: z.array(BackedUpTable).readonly(),
  files: z.array(ArchivedFile).readonly(),
});
export type Manifest = Readonly<z.infer<typeof Manifest>>;
