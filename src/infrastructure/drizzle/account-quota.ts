import { eq, getTableColumns, sql, type SQL } from "drizzle-orm";
import { err, type Result } from "neverthrow";
import { fail } from "../../domain/shared/fail.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import type { AccountQuotaExceeded } from "../../domain/shared/storage-quota.ts";
import type { UserId } from "../../domain/shared/id.ts";
import { attempt } from "./attempt.ts";
import type { Database } from "./database.ts";
import { givenRows, namesOf, placeholderOf, type Columns, type RowCount } from "./prepared.ts";
import { accountUsage } from "./schema.ts";

/** The options of all adapters on one database. */
export interface StorageOptions {
  /** The maximum number of bytes that an account may store; 0 for no limit. */
  readonly accountQuotaBytes: number;
  /** Whether other sessions write to the database at the same time. */
  readonly isShared: boolean;
}

/** No quota, on a database to which other sessions also write. */
export const ANY_STORAGE: StorageOptions = { accountQuotaBytes: 0, isShared: true };

/** An extra column of the given rows: the number of bytes that a row adds to the usage of its account. */
export const BYTES = { bytes: getTableColumns(accountUsage).bytes } as const;

const LARGEST_BIGINT = "9223372036854775807";

interface Admitting {
  /** The name of the column that identifies a row. */
  readonly key: "id" | "key_digest";
  /** The name of the column that has the account of a row. */
  readonly owner: "author_id" | "user_id";
  readonly rows: RowCount;
  /** An additional condition on a row, which it refers to as `given`. */
  readonly condition?: SQL | undefined;
  /** Whether the quota does not apply. The account must exist in both cases. */
  readonly isUnlimited?: boolean;
}

/**
 * The quota as SQL. Triggers count the bytes of each account (drizzle/0006), so statements only compare the count with the
 * quota. A statement leaves out a row that would exceed the quota, and stores its other rows.
 */
export function accountQuota(db: Database, { accountQuotaBytes, isShared }: StorageOptions) {
  const maxBytes = sql.raw(accountQuotaBytes === 0 ? LARGEST_BIGINT : String(accountQuotaBytes));
  // Other sessions may write to the same accounts. Locks in the order of the ids prevent a deadlock of two statements.
  const locking = isShared ? sql` order by user_id for no key update` : sql``;

  const usage = (condition: SQL) =>
    sql`select user_id as held_by, bytes as held_bytes from account_usage where user_id ${condition}${locking}`;

  return {
    maxBytes,
    locking,

    /**
     * Selects those of the `given` rows, which are placeholders, whose accounts have room for them. If one account has several
     * rows, the smallest come first. A row of a removed account is never selected.
     */
    admitted: (columns: Columns, { key, owner, rows, condition = sql`true`, isUnlimited = false }: Admitting): SQL => {
      const account = sql.identifier(owner);
      const hasRoom = (bytes: SQL) => (isUnlimited ? sql`true` : sql`held_bytes + ${bytes} <= ${maxBytes}`);
      const given = givenRows("given", { ...columns, ...BYTES }, rows);
      // Most statements have one row. The general form for several rows would double the cost of such a statement.
      if (rows === "one") {
        const isOwner = sql`= ${sql.placeholder(placeholderOf("given", keyOf(columns, owner)))}::uuid`;
        return sql`select ${namesOf(columns)} from ${given}, (${usage(isOwner)}) as held
          where ${hasRoom(sql`bytes`)} and ${condition}`;
      }
      return sql`with incoming as (select * from ${given}), held as materialized (
          ${usage(sql`= any(array(select ${account} from incoming))`)}
        )
        select ${namesOf(columns)} from (
          select *, sum(bytes) over (partition by ${account} order by bytes, ${sql.identifier(key)}) as bytes_upto from incoming
        ) as given join held on held_by = given.${account}
        where ${hasRoom(sql`bytes_upto`)} and ${condition}`;
    },

    /** The reason why a row was left out: `notFound` for a missing account, a full account, or else `other`. */
    refusal: async <NotFound, Other>(
      operation: string,
      { userId, bytes, notFound, other }: { userId: UserId; bytes: number; notFound: NotFound; other: Other },
    ): Promise<Result<never, NotFound | Other | AccountQuotaExceeded | StorageFailure>> => {
      const found = await attempt(db, operation, async () =>
        db
          .select({ isFull: sql<boolean>`${accountUsage.bytes} + ${bytes}::bigint > ${maxBytes}` })
          .from(accountUsage)
          .where(eq(accountUsage.userId, userId)),
      );
      if (found.isErr()) return err(found.error);
      const [usage] = found.value;
      if (usage === undefined) return err(notFound);
      return usage.isFull ? fail({ kind: "account_quota_exceeded" }) : err(other);
    },
  };
}

/** Built once for each set of adapters on one database or transaction. */
export type AccountQuota = ReturnType<typeof accountQuota>;

/** The key of the column with this name in the database. */
function keyOf(columns: Columns, name: string): string {
  const key = Object.keys(columns).find((each) => columns[each]?.name === name);
  if (key === undefined) throw new Error(`There is no column ${name}.`);
  return key;
}
