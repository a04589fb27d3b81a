import { parseId, type Id } from "../../domain/shared/id.ts";
import type { IdempotencyRecord, PlainResult } from "../../domain/shared/idempotency-record.ts";
import { parseVersion, type Version } from "../../domain/shared/version.ts";

/** The conversion of a use case's result to plain JSON data for replays, and back. */
export interface Snapshot<T> {
  write(value: T): object;
  /** Returns `null` when `data` does not have the shape that `write` returns. */
  read(data: unknown): T | null;
}

/**
 * The version of the format, before the JSON of a snapshot. It distinguishes a snapshot from a sealed result, and from the result
 * of an earlier format.
 */
const FORMAT = "snapshot/1 ";

export function snapshotText<T>(snapshot: Snapshot<T>, value: T): string {
  return FORMAT + JSON.stringify(snapshot.write(value));
}

/** The text of a snapshot of ids, versions and dates alone, which needs no encryption. */
export function plainResult<T>(snapshot: Snapshot<T>, value: T): PlainResult {
  return snapshotText(snapshot, value) as PlainResult;
}

/** A sealed result is Base64, so it has no space. */
export function isPlainResult(result: IdempotencyRecord["result"]): result is PlainResult {
  return result.startsWith(FORMAT);
}

/** Reads a stored result. Throws on a text that neither this build nor an earlier one has written. */
export function valueOfSnapshot<T>(snapshot: Snapshot<T>, text: string): T {
  const value = snapshot.read(dataOf(text));
  if (value === null) throw new Error("The stored result of a request with an idempotency key is in no known format.");
  return value;
}

function dataOf(text: string): unknown {
  if (text.startsWith(FORMAT)) return JSON.parse(text.slice(FORMAT.length));
  // A build from before the snapshots stored the HTTP response. The JSON of its body has the same fields as the snapshot. Such
  // records expire within 24 hours of an upgrade, so this is needed as long as direct upgrades from such builds are supported.
  const { body } = fieldsOf(JSON.parse(text));
  return typeof body === "string" ? JSON.parse(body) : null;
}

/** The fields of an object; no fields for any other value. */
export function fieldsOf(data: unknown): Readonly<Record<string, unknown>> {
  return isObject(data) ? data : {};
}

function isObject(data: unknown): data is Readonly<Record<string, unknown>> {
  return typeof data === "object" && data !== null;
}

export function textIn(data: unknown): string | null {
  return typeof data === "string" ? data : null;
}

export function idIn<AnId extends Id<string>>(data: unknown): AnId | null {
  return typeof data === "string" ? parseId<AnId>(data).unwrapOr(null) : null;
}

export function versionIn(data: unknown): Version | null {
  return typeof data === "number" ? parseVersion(data) : null;
}

/** The date that `Date.toJSON` wrote. */
export function dateIn(data: unknown): Date | null {
  const date = new Date(typeof data === "string" ? data : Number.NaN);
  return Number.isNaN(date.getTime()) ? null : date;
}
