import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ok, type Result } from "neverthrow";
import { fail } from "../../../domain/shared/fail.ts";
import { describeError } from "../../node/describe-error.ts";
import { withRollback } from "../../sql/rollback.ts";
import type { IndexDamaged } from "./damage.ts";
import type { DrizzleClient } from "../client/client.ts";

/** Up to this size of a table each of its rows is looked for in each index, which takes a second for 200 MiB. */
const WHOLE_TABLE_BYTES = 100 * 1_048_576;

const INDEXES = `select i.indexrelid::regclass::text as index, pg_table_size(i.indrelid) <= ${WHOLE_TABLE_BYTES} as whole,
  a.amname as kind
  from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam
  where c.relnamespace = 'public'::regnamespace and a.amname in ('btree', 'gin') order by 1`;

/** What is compared in an index of each kind: of words, that its own pages agree, as amcheck has no more for them. */
const CHECKS = {
  btree: "select bt_index_check($1::regclass, $2::boolean)",
  gin: "select gin_index_check($1::regclass) where $2::boolean is not null",
};

/** It is there while a check is due that could not be made: a stop in order must not make it forgotten. */
const UNCHECKED_FILE = "quire.unchecked";

export function isCheckDue(directory: string): boolean {
  return existsSync(join(directory, UNCHECKED_FILE));
}

/** Throws what the operating system refuses. */
export function noteCheckDue(directory: string): void {
  writeFileSync(join(directory, UNCHECKED_FILE), "", { mode: 0o600 });
}

export function noteChecked(directory: string): void {
  rmSync(join(directory, UNCHECKED_FILE), { force: true });
}

/** PostgreSQL could not make the check itself. */
export interface IndexCheckFailed {
  readonly kind: "index_check_failed";
  readonly detail: string;
}

/**
 * Compares every index with its table, and one of words with itself, by amcheck (PostgreSQL 18, F.1). The extension is
 * made in a transaction that is undone, so the check leaves nothing behind. Fails with `index_damaged` for the first index
 * that is wrong, or with `index_check_failed`.
 */
export async function checkIndexes(client: DrizzleClient): Promise<Result<void, IndexDamaged | IndexCheckFailed>> {
  try {
    return await withRollback(async (rollBack: (settle: () => Result<void, IndexDamaged>) => never) =>
      client.transaction(async (transaction) => {
        await transaction.query("create extension amcheck");
        const { rows } = await transaction.query<{ index: string; whole: boolean; kind: keyof typeof CHECKS }>(INDEXES);
        for (const { index, whole, kind } of rows) {
          await transaction.query(CHECKS[kind], [index, whole]).catch((thrown: unknown) => {
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
