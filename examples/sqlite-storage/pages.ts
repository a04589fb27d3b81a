import type { Database } from "better-sqlite3";
import { toPage, type Id, type Page, type PageRequest } from "quire-api";

/** A page of rows that are sorted by their id, the newest first (keyset pagination). */
export function pageById<Row, Item extends { readonly id: Id<string> }>(
  db: Database,
  query: { readonly table: string; readonly where: string; readonly values: Readonly<Record<string, unknown>> },
  { from, limit }: PageRequest<Item["id"]>,
  restore: (row: Row) => Item,
): Page<Item> {
  const isBackward = from?.direction === "backward";
  const range = from === null ? "true" : isBackward ? "id > @fromId" : "id < @fromId";
  const rows = db
    .prepare<unknown[], Row>(
      `select * from ${query.table} where ${query.where} and ${range} order by id ${isBackward ? "asc" : "desc"} limit @rows`,
    )
    .all({ ...query.values, fromId: from?.id ?? "", rows: limit + 1 });
  return toPage(rows.map(restore), limit, from);
}
