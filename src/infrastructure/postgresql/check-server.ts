import { sql } from "drizzle-orm";
import { err, ok, type Result } from "neverthrow";
import { fail } from "../../domain/shared/fail.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import { attempt } from "../drizzle/attempt.ts";
import type { Database } from "../drizzle/database.ts";
import { searchPath, unpooledSettings } from "./client/session-settings.ts";

/** The database answers, but Quire cannot work with it; `detail` gives the reason and the remedy. */
export interface DatabaseUnsuitable {
  readonly kind: "database_unsuitable";
  readonly detail: string;
}

export interface CheckedServer {
  /** The schemas of the extensions that Quire uses, in addition to `public`. */
  readonly extensionSchemas: readonly string[];
}

/** The migrations use functions with SQL-standard bodies, which PostgreSQL has since version 14. */
const MIN_VERSION_NUMBER = 140_000;
const ENCODING = "UTF8";
const EXTENSIONS = ["unaccent", "pg_trgm"];

/**
 * Checks the properties that a connection cannot set: version, encoding and extensions. Behind a pooler that refuses session
 * settings, it also compares the settings of the role with those that Quire needs.
 */
export async function checkServer(
  db: Database,
  isPooled: boolean,
): Promise<Result<CheckedServer, DatabaseUnsuitable | StorageFailure>> {
  const names = Object.keys(unpooledSettings);
  const checked = await attempt(db, "server.check", async () =>
    db
      .select({
        version: sql<string>`current_setting('server_version_num')`,
        encoding: sql<string>`current_setting('server_encoding')`,
        settings: sql<string>`(select json_object_agg(name, current_setting(name)) from unnest(${sql.raw(textArray(names))}) as name)::text`,
        path: sql<string>`array_to_json(current_schemas(false))::text`,
        extensions: sql<string>`(select coalesce(json_agg(distinct n.nspname), '[]') from pg_extension e
          join pg_namespace n on n.oid = e.extnamespace where e.extname = any(${sql.raw(textArray(EXTENSIONS))}))::text`,
      })
      .from(sql`(values (1)) as one`),
  );
  if (checked.isErr()) return err(checked.error);
  const [found] = checked.value;
  if (found === undefined) throw new Error("The check of the server returned no row.");
  const { version, encoding } = found;
  if (Number(version) < MIN_VERSION_NUMBER) {
    return unsuitable(`The server is PostgreSQL ${Math.floor(Number(version) / 10_000)}. Use version 14 or later.`);
  }
  if (encoding !== ENCODING) {
    return unsuitable(
      `The database is encoded in ${encoding}, which cannot hold every text. Create one in UTF8: create database quire encoding 'UTF8' template template0.`,
    );
  }
  const extensionSchemas = (JSON.parse(found.extensions) as string[]).filter((name) => name !== "public");
  const settings = JSON.parse(found.settings) as Readonly<Record<string, string>>;
  const wrong = isPooled ? wrongSettings(settings, JSON.parse(found.path) as string[], extensionSchemas) : [];
  if (wrong.length === 0) return ok({ extensionSchemas });
  const statements = wrong.map(([name, value]) => `alter role … set ${name} = ${value};`).join(" ");
  return unsuitable(
    `A pooler in transaction mode does not keep the settings of a connection, so the role must have them. Run: ${statements} Then restart the pooler.`,
  );
}

/** The settings of the role that differ from those that Quire needs, with the needed values. */
function wrongSettings(
  settings: Readonly<Record<string, string>>,
  path: readonly string[],
  extensionSchemas: readonly string[],
): readonly (readonly [string, string])[] {
  const wrong = Object.entries(unpooledSettings)
    .filter(([name, value]) => settings[name] !== value)
    .map(([name, value]) => [name, `'${value}'`] as const);
  const isPathRight = path[0] === "public" && extensionSchemas.every((schema) => path.includes(schema));
  return isPathRight ? wrong : [...wrong, ["search_path", searchPath(extensionSchemas)]];
}

function textArray(names: readonly string[]): string {
  return `array[${names.map((name) => `'${name}'`).join(", ")}]`;
}

function unsuitable(detail: string): Result<never, DatabaseUnsuitable> {
  return fail({ kind: "database_unsuitable", detail });
}
