type Scalar = string | number | bigint | boolean | Date | Uint8Array | null;

/** A parameter of a statement, as Drizzle's columns encode their values. */
export type Parameter = Scalar | readonly Scalar[];

/** A parameter in PostgreSQL's text format. */
export type Value = string | null;

/** Encodes a parameter as text. Throws a TypeError for any other object. */
export function encodeParameter(value: Parameter): Value {
  if (value === null) return null;
  if (value instanceof Date) return value.toISOString();
  // The hexadecimal form of bytea (PostgreSQL 18, 8.4.1).
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString("hex")}`;
  if (Array.isArray(value)) return `{${value.map(encodeElement).join(",")}}`;
  if (typeof value === "object") throw new TypeError("A parameter of a statement is an object that no column maps.");
  return String(value);
}

/** An element of an array (PostgreSQL 18, 8.15.6). */
function encodeElement(element: Scalar): string {
  const text = encodeParameter(element);
  if (text === null) return "NULL";
  // The test takes a sixth of the time of a replacement that finds nothing.
  return `"${/["\\]/.test(text) ? escaped(text) : text}"`;
}

/** Two replacements of a text take half the time of one of a pattern. */
function escaped(text: string): string {
  return text.replaceAll("\\", String.raw`\\`).replaceAll('"', String.raw`\"`);
}
