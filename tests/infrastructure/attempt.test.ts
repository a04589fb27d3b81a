import type { PGlite } from "@electric-sql/pglite";
import { DrizzleQueryError, sql } from "drizzle-orm";
import { drizzle, type PgliteDatabase } from "drizzle-orm/pglite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { attempt, isAborted } from "../../src/infrastructure/drizzle/attempt.ts";
import type { Database } from "../../src/infrastructure/drizzle/database.ts";
import { openTemplate } from "../support/test-storage.ts";

const STATEMENT = 'insert into "users" values ($1)';
const PARAMETER = "ada@example.org";

interface ServerError {
  readonly code?: string;
  readonly constraint?: string;
  readonly message?: string;
}

/** An exception of a driver, with the fields in which PostgreSQL repeats the values of a row. */
function driverError({ message = "the message of PostgreSQL", ...fields }: ServerError): Error {
  const detail = `Key (email_key)=(${PARAMETER}) already exists.`;
  return Object.assign(new Error(message), { detail, where: STATEMENT, ...fields });
}

const drizzled = (error: ServerError) => new DrizzleQueryError(STATEMENT, [PARAMETER], driverError(error));

/** All properties of a value that a log could show, enumerable or not. */
function shown(value: unknown, seen = new Set<unknown>()): string {
  if (typeof value !== "object" || value === null || seen.has(value)) return String(value);
  seen.add(value);
  return Reflect.ownKeys(value)
    .map((key) => `${String(key)}: ${shown((value as Record<PropertyKey, unknown>)[key], seen)}`)
    .join("\n");
}

function expectNoSecret(value: unknown): void {
  expect(shown(value)).not.toContain(PARAMETER);
  expect(shown(value)).not.toContain("insert into");
}

let engine: PGlite;
let db: PgliteDatabase;

beforeAll(async () => {
  engine = await openTemplate();
  db = drizzle({ client: engine });
});
afterAll(async () => engine.close());

/** Runs `attempt` with a query that throws. */
const attemptThrowing = async (thrown: unknown, constraints = {}) =>
  attempt(
    db,
    "users.insert",
    async () => {
      throw thrown;
    },
    constraints,
  );

const caughtFrom = async (running: Promise<unknown>): Promise<unknown> =>
  running.then(
    () => expect.unreachable("The call must throw."),
    (thrown: unknown) => thrown,
  );

describe("attempt", () => {
  it("returns the result of the query", async () => {
    expect((await attempt(db, "users.list", async () => [1, 2]))._unsafeUnwrap()).toEqual([1, 2]);
  });

  it.each([
    ["08000", "unavailable", true],
    ["08006", "unavailable", true],
    ["08P01", "unavailable", true],
    ["25006", "unavailable", true],
    ["53000", "busy", false],
    ["53100", "full", false],
    ["53200", "busy", false],
    ["53300", "busy", true],
    ["53400", "busy", false],
    ["55P03", "busy", false],
    ["57000", "unavailable", false],
    ["57014", "busy", false],
    ["25P03", "busy", false],
    ["08007", "outcome_unknown", false],
    ["58P01", "corrupt", false],
    ["57P01", "unavailable", true],
    ["57P02", "unavailable", true],
    ["57P03", "unavailable", true],
    ["58000", "unavailable", false],
    ["58030", "unavailable", false],
    ["40001", "busy", true],
    ["40P01", "busy", true],
    ["XX001", "corrupt", false],
    ["XX002", "corrupt", false],
  ] as const)(
    "turns %s into the reason %s, transient: %s, without any value of the statement",
    async (code, reason, isTransient) => {
      const failure = (await attemptThrowing(drizzled({ code })))._unsafeUnwrapErr();
      expect(failure).toEqual({
        kind: "storage_failure",
        reason,
        isTransient,
        operation: "users.insert",
        cause: { sqlState: code, message: "the message of PostgreSQL", constraint: null },
      });
      expectNoSecret(failure);
    },
  );

  it("reads an error that Drizzle has not wrapped", async () => {
    const failure = (await attemptThrowing(driverError({ code: "53100" })))._unsafeUnwrapErr();
    expect(failure).toMatchObject({ reason: "full" });
    expectNoSecret(failure);
  });

  it("reads an error that the driver has wrapped", async () => {
    const wrapped = new Error("The driver failed.", { cause: driverError({ code: "40001" }) });
    const failure = (await attemptThrowing(new DrizzleQueryError(STATEMENT, [PARAMETER], wrapped)))._unsafeUnwrapErr();
    expect(failure).toMatchObject({ reason: "busy" });
    expectNoSecret(failure);
  });

  it("reports an error of the driver without a SQLSTATE as unavailable", async () => {
    const failure = (await attemptThrowing(drizzled({ message: "Socket closed" })))._unsafeUnwrapErr();
    expect(failure).toMatchObject({ reason: "unavailable", cause: { sqlState: null, message: "Socket closed" } });
    expectNoSecret(failure);
  });

  it("rethrows a TypeError that Drizzle has wrapped, with its stack and without values of the statement", async () => {
    const defect = Object.assign(new TypeError("undefined is not a function"), { query: STATEMENT, args: [PARAMETER] });
    const thrown = await caughtFrom(attemptThrowing(new DrizzleQueryError(STATEMENT, [PARAMETER], defect)));
    expect(thrown).toMatchObject({
      message: "users.insert: TypeError: undefined is not a function",
      stack: defect.stack,
    });
    expectNoSecret(thrown);
  });

  it.each([
    ["undefined", undefined],
    ["a string instead of an exception", "ExitStatus" as unknown as Error],
  ])("reports a driver that threw %s as unavailable, without values of the statement", async (_, cause) => {
    const failure = (await attemptThrowing(new DrizzleQueryError(STATEMENT, [PARAMETER], cause)))._unsafeUnwrapErr();
    expect(failure).toMatchObject({ reason: "unavailable", operation: "users.insert" });
    expectNoSecret(failure);
  });

  it.each(["23505", "23503", "23514"])("turns a %s of a named constraint into its error", async (code) => {
    const thrown = drizzled({ code, constraint: "users_email_key_unique" });
    const result = await attemptThrowing(thrown, { users_email_key_unique: { kind: "email_taken" } });
    expect(result._unsafeUnwrapErr()).toEqual({ kind: "email_taken" });
  });

  const defects: readonly (readonly [string, ServerError])[] = [
    ["a violated constraint that the caller did not name", { code: "23505", constraint: "users_pkey" }],
    ["a violated constraint without a name", { code: "23502" }],
    ["a wrong statement", { code: "42P01", message: 'relation "users" does not exist' }],
    ["a value out of range", { code: "22003" }],
    ["an internal error of the database", { code: "XX000" }],
    ["a failed transaction", { code: "25P02" }],
  ];

  it.each(defects)("rethrows %s as an exception without values of the statement", async (_, error) => {
    const result = attemptThrowing(drizzled(error), { users_email_key_unique: { kind: "email_taken" } });
    const thrown = await caughtFrom(result);
    expect(thrown).toBeInstanceOf(Error);
    expect((thrown as Error).message).toContain(error.code);
    expect((thrown as Error).message).toContain("users.insert");
    expectNoSecret(thrown);
  });

  it("rethrows an exception that is not from the driver unchanged", async () => {
    const defect = new TypeError("undefined is not a function");
    expect(await caughtFrom(attemptThrowing(defect))).toBe(defect);
  });

  it("marks only the transaction in which a statement failed as aborted", async () => {
    const [failed, fine] = [{} as Database, {} as Database];
    await attempt(failed, "users.insert", async () => Promise.reject(drizzled({ code: "53100" })));
    await attempt(fine, "users.insert", async () => []);
    expect([isAborted(failed), isAborted(fine)]).toEqual([true, false]);
  });
});

describe("attempt on PGlite", () => {
  const id = "00000000-0000-7000-8000-000000000001";
  const insertUser = async (database: PgliteDatabase, role: string) =>
    database.execute(sql`insert into users (id, name, email, email_key, password_hash, role, version, created_at, updated_at)
      values (${id}, 'Ada', ${PARAMETER}, ${PARAMETER}, 'hash', ${role}, 1, now(), now())`);

  it("reads the SQLSTATE and the constraint of a real error", async () => {
    const constraints = { users_role_check: { kind: "no_such_role" } } as const;
    const result = await attempt(db, "users.insert", async () => insertUser(db, "emperor"), constraints);
    expect(result._unsafeUnwrapErr()).toEqual({ kind: "no_such_role" });
  });

  it("rethrows the violation of an unnamed constraint without the row", async () => {
    const thrown = await caughtFrom(attempt(db, "users.insert", async () => insertUser(db, "emperor")));
    expect((thrown as Error).message).toMatch(/^users\.insert: 23514: .*users_role_check/);
    expectNoSecret(thrown);
    expect(shown(thrown)).not.toContain("emperor");
  });

  it("rethrows the error of a wrong statement without the statement", async () => {
    const failing = async () => db.execute(sql`select ${PARAMETER}::text from nowhere /* insert into */`);
    const thrown = await caughtFrom(attempt(db, "users.list", failing));
    expect((thrown as Error).message).toMatch(/^users\.list: 42P01: /);
    expectNoSecret(thrown);
  });

  it("rethrows the error of a wrong value without the value that PostgreSQL quotes", async () => {
    const failing = async () => db.execute(sql`select * from users where id = ${PARAMETER}`);
    const thrown = await caughtFrom(attempt(db, "users.findById", failing));
    expect((thrown as Error).message).toMatch(/^users\.findById: 22P02/);
    expectNoSecret(thrown);
  });
});
