import { pg_trgm as pgTrgm } from "@electric-sql/pglite/contrib/pg_trgm";
import { unaccent } from "@electric-sql/pglite/contrib/unaccent";

/** The extensions that the schema needs (drizzle/), which PGlite wants to be given at each opening. */
export const SCHEMA_EXTENSIONS = { pg_trgm: pgTrgm, unaccent };
