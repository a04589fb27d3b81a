import { join } from "node:path";
import { workerData } from "node:worker_threads";
import { amcheck } from "@electric-sql/pglite/contrib/amcheck";
import { clusterGuard } from "../integrity/cluster-guard.ts";
import { CLUSTER } from "../directory/layout.ts";
import { isIndexCheckDue } from "../directory/index-check-marker.ts";
import type { EngineDurability } from "../engine/node-fs.ts";
import { serveEngine } from "../engine/serve.ts";
import { ENGINE_SETTINGS, SCHEMA_EXTENSIONS } from "./engine-settings.ts";

export interface EngineWorkerData {
  /** The data directory. */
  readonly directory: string;
  readonly durability: EngineDurability;
}

/** The Worker of the engine: PostgreSQL with Quire's settings, and the checks of the data directory around it. */
const { directory, durability } = workerData as EngineWorkerData;

await serveEngine({
  cluster: join(directory, CLUSTER),
  durability,
  settings: ENGINE_SETTINGS,
  // The index check that follows an unclean shutdown needs amcheck.
  extensions: (isShutDown) =>
    isShutDown && !isIndexCheckDue(directory) ? SCHEMA_EXTENSIONS : { ...SCHEMA_EXTENSIONS, amcheck },
  guard: clusterGuard(directory),
});
