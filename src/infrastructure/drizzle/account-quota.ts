import { eq, getTableColumns, sql, type SQL } from "drizzle-orm";
import { err, type Result } from "neverthrow";
import { fail } from "../../domain/shared/fail.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import type { AccountQuotaExceeded } from "../../domain/shared/storage-quota.ts";
import type { UserId } from "../../domain/shared/id.ts";
import { attempt } from "./attempt.ts";
import type { Database } from "./database.ts";
import { givenRows, namesOf, placeholderOf, type Columns } from "./prepared.ts";
import { accountUsage } from "./schema.ts";

/** What adapters are told of the database that they are on. */
export interface StorageOptions {
  /** How many bytes an account may store; 0 for any number. */
  readonly accountQuotaBytes: number;
  /** Whether other sessions write to the database at the same time. */
  readonly isShared: boolean;
}

/** No quota, on a database that others write to as well. */
export const ANY_STORAGE: StorageOptions = { accountQuotaBytes: 0, isShared: true };

/** How many bytes a row of a statement would add to an account, as a column to be given with it. */
const BYTES = { bytes: getTableColumns(accountUsage).bytes } as const;

const LARGEST_BIGINT = "9223372036854775807";

interface Admitting {
  /** The name of the column that has the account of a row. */
  readonly owner: "author_id" | "user_id";
  /** What else a row must fulfil, which knows it as `given`. */
  readonly condition?: SQL | undefined;
  /** Whether a row needs no room, only an account that is there. */
  readonly isAlways?: boolean;
}

/**
 * The quota in statements. What accounts have stored is counted by triggers (drizzle/0006), so here it is only compared: a row
 * that would be too much is left out by the statement that would store it, and all others of the statement are stored.
 */
export function accountQuota(db: Database, { accountQuotaBytes, isShared }: StorageOptions) {
  const most = sql.raw(accountQuotaBytes === 0 ? LARGEST_BIGINT : String(accountQuotaBytes));
  // Others store for the same accounts meanwhile. Locked in the order of their ids, two statements never wait for each other.
  const locking = isShared ? sql` order by user_id for no key update` : sql``;

  const usage = (of: SQL) =>
    sql`select user_id as held_by, bytes as held_bytes from account_usage where user_id = any(${of})${locking}`;

  return {
    most,
    locking,

    /**
     * The rows that are given as placeholders of `given`, as far as their accounts have room for them: of several for one account
     * the smallest first. Nothing is for an account that is removed.
     */
    admitted: (columns: Columns, rows: number, { owner, condition = sql`true`, isAlways = false }: Admitting): SQL => {
      const account = sql.identifier(owner);
      const hasRoom = (bytes: SQL) => (isAlways ? sql`true` : sql`held_bytes + ${bytes} <= ${most}`);
      const given = givenRows("given", { ...columns, ...BYTES }, rows);
      // Most statements have one row, and what PostgreSQL needs for several costs it as much as the row itself.
      if (rows === 1) {
        const of = sql`array[${sql.placeholder(placeholderOf("given", keyOf(columns, owner), 0))}::uuid]`;
        return sql`select ${namesOf(columns)} from ${given}, (${usage(of)}) as held
          where ${hasRoom(sql`bytes`)} and ${condition}`;
      }
      return sql`with incoming as (select * from ${given}), held as materialized (
          ${usage(sql`array(select ${account} from incoming)`)}
        )
        select ${namesOf(columns)} from (
          select *, sum(bytes) over (partition by ${account} order by bytes, id) as bytes_upto from incoming
        ) as given join held on held_by = given.${account}
        where ${hasRoom(sql`bytes_upto`)} and ${condition}`;
    },

    /** Why an account does not get so many bytes: it is not there, it has no room for them; or neither (`other`). */
    refusal: async <NotThere, Other>(
      operation: string,
      { userId, bytes, notThere, other }: { userId: UserId; bytes: number; notThere: NotThere; other: Other },
    ): Promise<Result<never, NotThere | Other | AccountQuotaExceeded | StorageFailure>> => {
      const found = await attempt(db, operation, async () =>
        db
          .select({ isFull: sql<boolean>`${accountUsage.bytes} + ${bytes}::bigint > ${most}` })
          .from(accountUsage)
          .where(eq(accountUsage.userId, userId)),
      );
      if (found.isErr()) return err(found.error);
      const [usage] = found.value;
      if (usage === undefined) return err(notThere);
      return usage.isFull ? fail({ kind: "account_quota_exceeded" }) : err(other);
    },
  };
}

/** The name that a column goes by here. */
function keyOf(columns: Columns, name: string): string {
  const key = Object.keys(columns).find((each) => columns[each]?.name === name);
  if (key === undefined) throw new Error(`There is no column ${name}.`);
  return key;
}
