import { describe, expect, it } from "vitest";
import { needsSpace } from "../../../src/infrastructure/pglite/directory/write-space.ts";

describe("a write while little space is free", () => {
  it.each([
    "begin",
    'delete from "posts" where "posts"."id" = $1',
    'delete from "sessions" where "sessions"."id" = $1',
    'with batch as (select id from "posts" limit 100) delete from "posts" using batch where true',
    'insert into "sessions" ("id") values ($1)',
    'update "sessions" set "last_used_at" = $1',
    'update "users" set "password_hash" = $1',
  ])("needs none: %s", (text) => {
    expect(needsSpace(text, false)).toBe(false);
  });

  it.each([
    'insert into "posts" ("id") values ($1)',
    'insert into "users" ("id") values ($1)',
    'insert into "idempotency_keys" ("id") values ($1)',
    'with gone as (delete from "posts" returning *) insert into "kept" select * from gone',
    'create index "x" on "posts" ("id")',
    "truncate posts",
  ])("needs some, whatever it shortens: %s", (text) => {
    expect(needsSpace(text, false)).toBe(true);
    expect(needsSpace(text, true)).toBe(true);
  });

  it("needs some to change a post, unless that makes it no longer", () => {
    expect(needsSpace('update "posts" set "content" = $1', false)).toBe(true);
    expect(needsSpace('update "posts" set "content" = $1', true)).toBe(false);
  });
});
