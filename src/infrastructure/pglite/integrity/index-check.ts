import { ok, type Result } from "neverthrow";
import { fail } from "../../../domain/shared/fail.ts";
import { describeError } from "../../node/describe-error.ts";
import { withRollback } from "../../sql/rollback.ts";
import type { IndexDamaged } from "../directory/damage.ts";
import { isDamageReport } from "../engine/wire-protocol.ts";

interface Connection {
  query<T>(text: string, parameters?: (string | boolean)[]): Promise<{ readonly rows: readonly T[] }>;
}

/** The part of a client that the check needs. */
interface CheckClient {
  transaction<T>(work: (transaction: Connection) => Promise<T>): Promise<T>;
}

/** In tables up to this size the check looks up each row in each index, which takes a second for 200 MiB. */
const WHOLE_TABLE_BYTES = 100 * 1_048_576;

const INDEXES = `select i.indexrelid::regclass::text as index, pg_table_size(i.indrelid) <= ${WHOLE_TABLE_BYTES} as whole,
  a.amname as kind
  from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam
  where c.relnamespace
  in (select oid from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema') and a.amname in ('btree', 'gin') order by 1`;

/** For GIN, amcheck only compares the pages of the index with each other. */
const CHECKS = {
  btree: "select bt_index_check($1::regclass, $2::boolean)",
  gin: "select gin_index_check($1::regclass) where $2::boolean is not null",
};

/** PostgreSQL could not run the check. */
export interface IndexCheckFailed {
  readonly kind: "index_check_failed";
  readonly detail: string;
}

/**
 * Compares every B-tree index with its table, and every GIN index with itself, by amcheck (PostgreSQL 18, F.1). The
 * extension is created in a transaction that is rolled back, so the check leaves nothing behind. Fails with
 * `index_damaged` for the first damaged index, or with `index_check_failed`.
 */
export async function checkIndexes(client: CheckClient): Promise<Result<void, IndexDamaged | IndexCheckFailed>> {
  try {
    return await withRollback(async (rollBack: (settle: () => Result<void, IndexDamaged>) => never) =>
      client.transaction(async (transaction) => {
        await transaction.query("create extension amcheck");
        const { rows } = await transaction.query<{ index: string; whole: boolean; kind: keyof typeof CHECKS }>(INDEXES);
        for (const { index, whole, kind } of rows) {
          await transaction.query(CHECKS[kind], [index, whole]).catch((thrown: unknown) => {
            if (!isDamageReport(thrown)) throw thrown;
            const detail = describeError(thrown);
            return rollBack(() => fail({ kind: "index_damaged", index, detail }));
          });
        }
        return rollBack(() => ok());
      }),
    );
  } catch (thrown) {
    return fail({ kind: "index_check_failed", detail: `its indexes cannot be checked (${describeError(thrown)})` });
  }
}
