import { sql } from "drizzle-orm";
import { boolean, integer, pgTable, text, timestamp, uuid } from "drizzle-orm/pg-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { attempt } from "../../../src/infrastructure/drizzle/attempt.ts";
import type { Database } from "../../../src/infrastructure/drizzle/database.ts";
import { NOW } from "../../../src/testing/fixtures.ts";

const notes = pgTable("notes", {
  id: integer().primaryKey(),
  text: text(),
  isRead: boolean("is_read"),
  at: timestamp({ withTimezone: true, precision: 3 }),
  ids: uuid().array(),
});

/** An SQL condition that terminates the connection on which it is evaluated. */
const ENDS_SESSION = sql`pg_terminate_backend(pg_backend_pid())`;

interface OpenedDatabase {
  readonly db: Database;
  close(): Promise<void>;
}

interface DatabaseUnderTest {
  readonly name: string;
  /** The reason why no statement can end its own session; `null` if one can. */
  readonly whySessionsStay: string | null;
  open(): Promise<OpenedDatabase>;
}

/** The contract of a database client on which the Drizzle adapters rely, for every driver. */
export function databaseClientContract({ name, whySessionsStay, ...database }: DatabaseUnderTest): void {
  describe(`the database client of ${name}`, () => {
    let opened: OpenedDatabase;
    let db: Database;

    beforeAll(async () => {
      opened = await database.open();
      ({ db } = opened);
      await db.execute(
        sql`create table notes (id integer primary key, text text, is_read boolean, at timestamptz(3), ids uuid[])`,
      );
    });
    beforeEach(async () => {
      await db.delete(notes);
    });
    afterAll(async () => opened.close());

    const ids = async () => (await db.select({ id: notes.id }).from(notes).orderBy(notes.id)).map(({ id }) => id);
    const reasonOf = async (query: () => Promise<unknown>) => {
      const failure = (await attempt(db, "test.query", query))._unsafeUnwrapErr();
      return failure.reason;
    };

    it("returns every value unchanged", async () => {
      const whole = {
        id: 1,
        text: "'é' \\ 漢 🔑",
        isRead: true,
        at: NOW,
        ids: [crypto.randomUUID(), crypto.randomUUID()],
      };
      const empty = { id: 2, text: null, isRead: null, at: null, ids: null };
      const blank = { id: 3, text: "", isRead: false, at: new Date(0), ids: [] };
      await db.insert(notes).values([whole, empty, blank]);
      expect(await db.select().from(notes).orderBy(notes.id)).toEqual([whole, empty, blank]);
    });

    it("runs a prepared statement with different values, also concurrently", async () => {
      const insert = db
        .insert(notes)
        .values({ id: sql.placeholder("id"), text: sql.placeholder("text") })
        .prepare("notes_insert");
      const select = db
        .select({ text: notes.text })
        .from(notes)
        .where(sql`${notes.id} = ${sql.placeholder("id")}`);
      const find = select.prepare("notes_by_id");
      const numbers = Array.from({ length: 20 }, (_, index) => index);
      await Promise.all(numbers.map(async (id) => insert.execute({ id, text: `note ${id}` })));
      const found = await Promise.all(numbers.map(async (id) => find.execute({ id })));
      expect(found).toEqual(numbers.map((id) => [{ text: `note ${id}` }]));
    });

    it("commits a transaction, and returns the result of its work", async () => {
      const given = await db.transaction(async (transaction) => {
        await transaction.insert(notes).values({ id: 1 });
        await transaction.insert(notes).values({ id: 2 });
        return "done";
      });
      expect([given, await ids()]).toEqual(["done", [1, 2]]);
    });

    it("rolls back a transaction whose work throws, and rethrows the exception", async () => {
      const defect = new Error("A defect");
      const running = db.transaction(async (transaction) => {
        await transaction.insert(notes).values({ id: 1 });
        throw defect;
      });
      await expect(running).rejects.toBe(defect);
      expect(await ids()).toEqual([]);
    });

    it("rolls back a transaction after a failed statement, and does not report success", async () => {
      const running = db.transaction(async (transaction) => {
        await transaction.insert(notes).values({ id: 1 });
        await transaction
          .insert(notes)
          .values({ id: 1 })
          .catch(() => undefined);
      });
      await expect(running).rejects.toThrow();
      expect(await ids()).toEqual([]);
    });

    it("reports the cause of a statement that fails in a transaction", async () => {
      const failing = db.transaction(async (transaction) => transaction.execute(sql`select * from missing_table`));
      await expect(failing).rejects.toMatchObject({ cause: { code: "42P01" } });
    });

    it("rejects a statement of a transaction that has ended", async () => {
      let late: (() => Promise<unknown>) | undefined;
      await db.transaction(async (transaction) => {
        late = async () => transaction.insert(notes).values({ id: 1 });
      });
      await expect(late?.()).rejects.toThrow();
      expect(await ids()).toEqual([]);
    });

    const why = whySessionsStay === null ? "" : ` (skipped: ${whySessionsStay})`;
    describe.runIf(whySessionsStay === null)(`when a session ends${why}`, () => {
      it("reports a read as unavailable, and runs the next statement", async () => {
        expect(await reasonOf(async () => db.execute(sql`select ${ENDS_SESSION}`))).toBe("unavailable");
        expect(await ids()).toEqual([]);
      });

      it("reports a write as outcome_unknown, and runs the next statement", async () => {
        const write = sql`insert into notes (id) select 1 where ${ENDS_SESSION}`;
        expect(await reasonOf(async () => db.execute(write))).toBe("outcome_unknown");
        expect(await ids()).toEqual([]);
      });

      it("reports a transaction before its commit as unavailable, and rolls it back", async () => {
        const transact = async () =>
          db.transaction(async (transaction) => {
            await transaction.insert(notes).values({ id: 1 });
            await transaction.execute(sql`insert into notes (id) select 2 where ${ENDS_SESSION}`);
          });
        expect(await reasonOf(transact)).toBe("unavailable");
        expect(await ids()).toEqual([]);
      });
    });
  });
}
