import { isDeletion } from "./client/low-disk-statements.ts";
import type { SchemaNeeds } from "./client/schema-needs.ts";

/** Rows of a few hundred bytes: a log-in, so that a user can delete posts, and the renewal or end of a session. */
const SESSION_WRITE = /^\s*(?:insert into|update) "sessions"/i;
/** The lengths of a name and an address bound a user's row, and a new password must always be possible. */
const USER_UPDATE = /^\s*update "users"/i;
const POST_UPDATE = /^\s*update "posts"/i;

/** The needs of Quire's schema (drizzle/). */
export const QUIRE_SCHEMA: SchemaNeeds = {
  extensions: {
    pg_trgm: "@electric-sql/pglite/contrib/pg_trgm",
    unaccent: "@electric-sql/pglite/contrib/unaccent",
  },
  settings: {
    // Every statement of an adapter needs one plan only, whatever its values. Planning a page again takes 15 to 25 µs.
    plan_cache_mode: "force_generic_plan",
    // A list is read from an index in its order. When statistics for many new rows are missing, PostgreSQL expects few
    // rows, and would sort all of them for one page. A query without such an index is still sorted.
    enable_sort: "off",
    enable_incremental_sort: "off",
    // All requests wait while a table is analysed, 20 µs for each row of the sample. A sample of 900 rows is enough for these plans.
    default_statistics_target: "3",
  },
  isAllowedOnLowDisk: (text, isShortening) => {
    if (SESSION_WRITE.test(text) || USER_UPDATE.test(text)) return true;
    return POST_UPDATE.test(text) ? isShortening : isDeletion(text);
  },
};
