import { describe, expect, it } from "vitest";
import { QUIRE_SCHEMA } from "../../../src/infrastructure/pglite/quire-schema.ts";
import { isFreeOfRows } from "../../../src/infrastructure/pglite/client/low-disk-statements.ts";

const isAllowedOnLowDisk = (text: string, isShortening: boolean) =>
  isFreeOfRows(text) || QUIRE_SCHEMA.isAllowedOnLowDisk(text, isShortening);

describe("a write on a low disk", () => {
  it.each([
    "begin",
    'listen "posts"',
    'delete from "posts" where "posts"."id" = $1',
    'delete from "sessions" where "sessions"."id" = $1',
    'with batch as (select id from "posts" limit 100) delete from "posts" using batch where true',
    'insert into "sessions" ("id") values ($1)',
    'update "sessions" set "last_used_at" = $1',
    'update "users" set "password_hash" = $1',
  ])("is allowed: %s", (text) => {
    expect(isAllowedOnLowDisk(text, false)).toBe(true);
  });

  it.each([
    'insert into "posts" ("id") values ($1)',
    'insert into "users" ("id") values ($1)',
    'insert into "idempotency_keys" ("id") values ($1)',
    'with gone as (delete from "posts" returning *) insert into "kept" select * from gone',
    'create index "x" on "posts" ("id")',
    "truncate posts",
  ])("is refused, even by a shortening client: %s", (text) => {
    expect(isAllowedOnLowDisk(text, false)).toBe(false);
    expect(isAllowedOnLowDisk(text, true)).toBe(false);
  });

  it("may update a post only when it shortens the text", () => {
    expect(isAllowedOnLowDisk('update "posts" set "content" = $1', false)).toBe(false);
    expect(isAllowedOnLowDisk('update "posts" set "content" = $1', true)).toBe(true);
  });
});
