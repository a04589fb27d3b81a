/** The format of text and times. They override the settings of the server, the database and the role. */
export const pooledSettings = {
  client_encoding: "UTF8",
  DateStyle: "ISO, MDY",
  TimeZone: "UTC",
  standard_conforming_strings: "on",
} as const;

/** The other settings that statements rely on. A pooler in transaction mode refuses these; it passes on those above. */
export const unpooledSettings = {
  IntervalStyle: "postgres",
  bytea_output: "hex",
  array_nulls: "on",
  transform_null_equals: "off",
  default_transaction_isolation: "read committed",
} as const;

/** The schema of the tables. The `search_path` of the role or of the database does not change it. */
const SCHEMA = "public";

export function sessionSettings(extensionSchemas: readonly string[]) {
  return { ...pooledSettings, ...unpooledSettings, search_path: searchPath(extensionSchemas) };
}

/** The `search_path` of a session, which includes the schemas of extensions. */
export function searchPath(extensionSchemas: readonly string[]): string {
  return [SCHEMA, ...extensionSchemas].map((name) => `"${name.replaceAll('"', '""')}"`).join(", ");
}
