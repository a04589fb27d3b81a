/** How text and times are written, whatever the server, the database or the role has set. */
export const pooledSettings = {
  client_encoding: "UTF8",
  DateStyle: "ISO, MDY",
  TimeZone: "UTC",
  standard_conforming_strings: "on",
} as const;

/** The others that statements rely on. A pooler in transaction mode refuses them; those above it gives to the server. */
export const unpooledSettings = {
  IntervalStyle: "postgres",
  bytea_output: "hex",
  array_nulls: "on",
  transform_null_equals: "off",
  default_transaction_isolation: "read committed",
} as const;

/** Where tables are made and looked up: in no schema with the name of the role, nor in one that a database prefers. */
const SCHEMA = "public";

export function sessionSettings(extensionSchemas: readonly string[]) {
  return { ...pooledSettings, ...unpooledSettings, search_path: searchPath(extensionSchemas) };
}

/** The schemas that names are looked up in; extensions may be in some of their own. */
export function searchPath(extensionSchemas: readonly string[]): string {
  return [SCHEMA, ...extensionSchemas].map((name) => `"${name.replaceAll('"', '""')}"`).join(", ");
}
