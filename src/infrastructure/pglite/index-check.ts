import { ok, type Result } from "neverthrow";
import { fail } from "../../domain/fail.ts";
import type { IndexDamaged } from "./damage.ts";
import type { DrizzleClient } from "./engine-client.ts";

/** Up to this size of a table each of its rows is looked for in each index, which takes a second for 200 MiB. */
const WHOLE_TABLE_BYTES = 100 * 1_048_576;

const INDEXES = `select i.indexrelid::regclass::text as index, pg_table_size(i.indrelid) <= ${WHOLE_TABLE_BYTES} as whole
  from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam
  where c.relnamespace = 'public'::regnamespace and a.amname = 'btree' order by 1`;

/** Thrown to undo the transaction that the check needs for its extension. */
class Undo extends Error {}

/**
 * Compares every index with its table, by amcheck (PostgreSQL 18, F.1). The extension is made in a transaction that is
 * undone, so the check leaves nothing behind. Fails with `index_damaged` for the first index that is wrong.
 */
export async function checkIndexes(client: DrizzleClient): Promise<Result<void, IndexDamaged>> {
  let checked: Result<void, IndexDamaged> = ok();
  try {
    await client.transaction(async (transaction) => {
      await transaction.query("create extension amcheck");
      const { rows } = await transaction.query<{ index: string; whole: boolean }>(INDEXES);
      for (const { index, whole } of rows) {
        try {
          await transaction.query("select bt_index_check($1::regclass, $2::boolean)", [index, whole]);
        } catch (thrown) {
          const detail = thrown instanceof Error ? thrown.message : String(thrown);
          checked = fail({ kind: "index_damaged", index, detail });
          break;
        }
      }
      throw new Undo();
    });
  } catch (thrown) {
    if (!(thrown instanceof Undo)) throw thrown;
  }
  return checked;
}
