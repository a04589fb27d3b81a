import type { DrizzleConfig } from "drizzle-orm";
import type { PgliteDatabase } from "drizzle-orm/pglite";
import type { Result } from "neverthrow";
import { nullLog } from "../node/null-log.ts";
import type { EngineClient } from "./client/client.ts";
import { liveQueries, type Live } from "./client/live-queries.ts";
import { isDeletion } from "./client/low-disk-statements.ts";
import type { SchemaNeeds } from "./client/schema-needs.ts";
import { databaseOn } from "./drizzle-database.ts";
import {
  openEmbeddedDatabase,
  type EmbeddedDatabase,
  type EmbeddedDatabaseOptions,
  type OpenEmbeddedDatabaseError,
} from "./embedded-database.ts";

export interface DurablePgliteOptions
  extends
    Partial<Pick<EmbeddedDatabaseOptions, "durability" | "freeSpaceBytes" | "statementDeadlineMs" | "log">>,
    Partial<Pick<SchemaNeeds, "extensions" | "settings">> {
  /** The data directory, which no other process may use at the same time. It is created if it does not exist. */
  readonly directory: string;
}

export interface DurablePglite extends Pick<
  EmbeddedDatabase,
  "client" | "changeSchema" | "condition" | "gaveUp" | "close"
> {
  /** Drizzle on the client, with a schema of the caller. */
  readonly drizzle: <Schema extends Record<string, unknown> = Record<string, never>>(
    config?: DrizzleConfig<Schema>,
  ) => PgliteDatabase<Schema> & { readonly $client: EngineClient };
  readonly live: Live;
}

const DEFAULT_FREE_SPACE_BYTES = 64 * 1_048_576;
const DEFAULT_STATEMENT_DEADLINE_MS = 30_000;

/** Opens a PostgreSQL in a Worker of this process, for any schema. An acknowledged write survives a power cut. */
export async function openDurablePglite({
  directory,
  durability = "fsync",
  freeSpaceBytes = DEFAULT_FREE_SPACE_BYTES,
  statementDeadlineMs = DEFAULT_STATEMENT_DEADLINE_MS,
  extensions = {},
  settings = {},
  log = nullLog,
}: DurablePgliteOptions): Promise<Result<DurablePglite, OpenEmbeddedDatabaseError>> {
  const schema = { extensions, settings, isAllowedOnLowDisk: isDeletion };
  const options = { directory, durability, freeSpaceBytes, statementDeadlineMs, schema, log };
  const opened = await openEmbeddedDatabase(options);
  return opened.map(({ client, changeSchema, condition, onRestarted, gaveUp, close }) => ({
    client,
    drizzle: (config) => Object.assign(databaseOn(client, config), { $client: client }),
    live: liveQueries({ client, onRestarted, log }),
    changeSchema,
    condition,
    gaveUp,
    close,
  }));
}
