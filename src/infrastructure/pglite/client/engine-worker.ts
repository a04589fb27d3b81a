import { join } from "node:path";
import { amcheck } from "@electric-sql/pglite/contrib/amcheck";
import { clusterGuard } from "../integrity/cluster-guard.ts";
import { CLUSTER } from "../directory/layout.ts";
import { isIndexCheckDue } from "../directory/index-check-marker.ts";
import type { EngineDurability } from "../engine/node-fs.ts";
import { loadExtensions } from "../engine/load-extensions.ts";
import { serveEngine } from "../engine/serve.ts";
import { addFsync, type FsyncCounts } from "./fsync-counts.ts";
import type { SchemaNeeds } from "./schema-needs.ts";
import { ENGINE_SETTINGS, REQUIRED_SETTINGS } from "./engine-settings.ts";

export interface EngineData extends Pick<SchemaNeeds, "extensions" | "settings"> {
  /** The data directory. */
  readonly directory: string;
  readonly durability: EngineDurability;
  readonly fsyncs: FsyncCounts;
}

/** The Worker of the engine: PostgreSQL with its settings, and the checks of the data directory around it. */
await serveEngine(({ directory, durability, settings, extensions, fsyncs }: EngineData) => ({
  cluster: join(directory, CLUSTER),
  durability,
  settings: { ...ENGINE_SETTINGS, ...settings, ...REQUIRED_SETTINGS },
  // The index check that follows an unclean shutdown needs amcheck.
  extensions: async (isShutDown) => {
    const loaded = await loadExtensions(extensions);
    return isShutDown && !isIndexCheckDue(directory) ? loaded : { ...loaded, amcheck };
  },
  guard: clusterGuard(directory),
  onFsync: (ms) => addFsync(fsyncs, ms),
}));
