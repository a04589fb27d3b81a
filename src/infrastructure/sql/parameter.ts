/** What a statement's parameter may be: what Drizzle's columns make of their values. */
export type Parameter = string | number | bigint | boolean | Date | null | readonly (string | null)[];

/** A parameter as PostgreSQL reads it. */
export type Value = string | null;

/** Throws a TypeError for what is no parameter. */
export function encodeParameter(value: Parameter): Value {
  if (value === null) return null;
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return `{${value.map(encodeElement).join(",")}}`;
  if (typeof value === "object") throw new TypeError("A parameter of a statement is an object that no column maps.");
  return String(value);
}

/** An element of an array (PostgreSQL 18, 8.15.6). */
function encodeElement(element: string | null): string {
  if (element === null) return "NULL";
  return `"${element.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}
