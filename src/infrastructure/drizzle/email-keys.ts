import { and, asc, gt, inArray, sql } from "drizzle-orm";
import { err, ok, type Result } from "neverthrow";
import type { Log } from "../../application/ports/log.ts";
import { emailKey, type EmailAddress, type EmailKey } from "../../domain/user/email-address.ts";
import type { UserId } from "../../domain/shared/id.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import { attempt } from "./attempt.ts";
import { batchesById } from "./batches-by-id.ts";
import type { Database } from "./database.ts";
import { isUnicodeEmail, users } from "./schema.ts";

/** The maximum number of rows that a statement reads or writes, so that it takes milliseconds. */
const ROWS_PER_STATEMENT = 1_000;

/**
 * The key of a user whose {@link emailKey} belongs to another user. It is the address exactly as written, after a space. No
 * result of {@link emailKey} begins with a space, so the two kinds of keys cannot collide.
 */
export function apartKey(email: EmailAddress): EmailKey {
  return ` ${email}` as EmailKey;
}

/**
 * Updates every stored key that differs from the current {@link emailKey} of its address. An earlier version of Quire, or an
 * older process that still runs, may have stored such a key.
 *
 * When two users would get the same key, the user who has it already keeps it, or else the older user gets it. The other user
 * gets an {@link apartKey} and logs in with the address exactly as written. Every start logs such a user until one of the two
 * addresses changes. All updates are one transaction. The function is idempotent, and several processes may run it at the
 * same time.
 */
export async function renewEmailKeys(db: Database, log: Log): Promise<Result<void, StorageFailure>> {
  const read = await attempt(db, "users.readEmailKeys", async () => planRenewal(db));
  if (read.isErr()) return err(read.error);
  // A transaction counts as a write, which is refused on a full disk even when it writes nothing.
  const done = read.value.changes.length === 0 ? ok(read.value) : await applyRenewal(db);
  if (done.isErr()) return err(done.error);
  const { changes, apart } = done.value;
  if (changes.length > 0) log.info({ users: changes.length }, "e-mail keys renewed by the current rule");
  for (const fields of apart) {
    log.warn(fields, "two users have one e-mail address and are kept apart until one of the addresses is changed");
  }
  return ok();
}

interface Renewal {
  /** The keys to store. */
  readonly changes: readonly { readonly id: UserId; readonly key: EmailKey }[];
  /** Users who need an {@link apartKey}, each with the user who has their key. */
  readonly apart: readonly { readonly userId: UserId; readonly sameAddressAs: UserId }[];
}

async function applyRenewal(db: Database): Promise<Result<Renewal, StorageFailure>> {
  return attempt(db, "users.renewEmailKeys", async () =>
    db.transaction(
      async (transaction) => {
        // The lock excludes other renewals and registrations. The plan is made again, because rows may have changed before
        // the lock.
        await transaction.execute(sql`lock table ${users} in share row exclusive mode`);
        const renewal = await planRenewal(transaction);
        const ids = renewal.changes.map(({ id }) => id);
        // A new key may still belong to a user whose key is about to change, so all old keys are replaced first.
        for (const some of inBatches(ids)) {
          await transaction.execute(
            sql`update ${users} set email_key = ' ' || id where id = any(${sql.param(some)}::uuid[])`,
          );
        }
        for (const some of inBatches(renewal.changes)) {
          const [ids, keys] = [some.map(({ id }) => id), some.map(({ key }) => key)];
          await transaction.execute(sql`update ${users} set email_key = renewed.key
            from unnest(${sql.param(ids)}::uuid[], ${sql.param(keys)}::text[]) as renewed (id, key)
            where ${users.id} = renewed.id`);
        }
        return renewal;
      },
      // With a stricter level, reads after the lock would not see the writes of its previous holder.
      { isolationLevel: "read committed" },
    ),
  );
}

async function planRenewal(db: Database): Promise<Renewal> {
  const outdated = await readOutdated(db);
  const taken = await readHolders(db, outdated);
  const changes: Renewal["changes"][number][] = [];
  const apart: Renewal["apart"][number][] = [];
  for (const { id, email, stored, key } of outdated) {
    const holder = taken.get(key);
    if (holder === undefined) taken.set(key, id);
    else apart.push({ userId: id, sameAddressAs: holder });
    const renewed = holder === undefined ? key : apartKey(email);
    if (stored !== renewed) changes.push({ id, key: renewed });
  }
  return { changes, apart };
}

interface Outdated {
  readonly id: UserId;
  readonly email: EmailAddress;
  readonly stored: EmailKey;
  /** The current key of the address. */
  readonly key: EmailKey;
}

/** The users whose stored key differs from the current key of their address, oldest first. */
async function readOutdated(db: Database): Promise<Outdated[]> {
  const outdated: Outdated[] = [];
  const batches = batchesById(ROWS_PER_STATEMENT, async (after: UserId | undefined) =>
    db
      .select({ id: users.id, email: users.email, stored: users.emailKey })
      .from(users)
      .where(and(isUnicodeEmail(users.email), after === undefined ? undefined : gt(users.id, after)))
      .orderBy(asc(users.id))
      .limit(ROWS_PER_STATEMENT),
  );
  for await (const rows of batches) {
    outdated.push(
      ...rows.map((row) => ({ ...row, key: emailKey(row.email) })).filter(({ stored, key }) => stored !== key),
    );
  }
  return outdated;
}

/** The users who have one of the new keys and keep it. */
async function readHolders(db: Database, outdated: readonly Outdated[]): Promise<Map<EmailKey, UserId>> {
  const giveUp = new Set(outdated.map(({ id }) => id));
  const holders = new Map<EmailKey, UserId>();
  for (const some of inBatches(outdated)) {
    const keys = some.map(({ key }) => key);
    const rows = await db
      .select({ id: users.id, key: users.emailKey })
      .from(users)
      .where(inArray(users.emailKey, keys));
    for (const { id, key } of rows) if (!giveUp.has(id)) holders.set(key, id);
  }
  return holders;
}

function inBatches<Item>(items: readonly Item[]): Item[][] {
  const count = Math.ceil(items.length / ROWS_PER_STATEMENT);
  return Array.from({ length: count }, (_, at) => items.slice(at * ROWS_PER_STATEMENT, (at + 1) * ROWS_PER_STATEMENT));
}
