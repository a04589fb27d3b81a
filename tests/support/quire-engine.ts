import { ENGINE_SETTINGS, REQUIRED_SETTINGS } from "../../src/infrastructure/pglite/client/engine-settings.ts";
import { loadExtensions } from "../../src/infrastructure/pglite/engine/load-extensions.ts";
import { QUIRE_SCHEMA } from "../../src/infrastructure/pglite/quire-schema.ts";

/** The extensions of the schema, for PGlite without the supervision of its engine. */
export const SCHEMA_EXTENSIONS = await loadExtensions(QUIRE_SCHEMA.extensions);

/** The settings with which the engine runs on the schema. */
export const SCHEMA_SETTINGS = { ...ENGINE_SETTINGS, ...QUIRE_SCHEMA.settings, ...REQUIRED_SETTINGS };
