/** `quire-api/engine`: a durable PostgreSQL in the process, for any schema. It needs nothing else of Quire. */
export {
  openDurablePglite,
  type DurablePglite,
  type DurablePgliteOptions,
} from "../infrastructure/pglite/durable-pglite.ts";
export type { EngineClient } from "../infrastructure/pglite/client/client.ts";
export type { Live, LiveQuery } from "../infrastructure/pglite/client/live-queries.ts";
export type { ExtensionModules } from "../infrastructure/pglite/engine/load-extensions.ts";
export type { OpenEmbeddedDatabaseError } from "../infrastructure/pglite/embedded-database.ts";
