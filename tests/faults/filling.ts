import { randomUUID } from "node:crypto";
import type { DrizzleClient } from "../../src/infrastructure/pglite/client/client.ts";

const POSTS_AT_ONCE = 1000;

/** Inserts an author and thousands of posts into an empty database. Calls `each` after every thousand. */
export async function fillWithPosts(
  client: DrizzleClient,
  thousands: number,
  content: string,
  each: () => Promise<void> = async () => {},
): Promise<void> {
  const authorId = randomUUID();
  await client.query(
    `insert into users (id, name, email, email_key, password_hash, role, version, created_at, updated_at)
     values ($1, 'Ada', 'ada@example.org', 'ada@example.org', 'none', 'author', 1, now(), now())`,
    [authorId],
  );
  for (let thousand = 0; thousand < thousands; thousand++) {
    await client.query(
      `insert into posts (id, title, content, author_id, status, published_at, version, created_at, updated_at)
       select uuidv7(), 'Title ' || n, $3, $1::uuid, 'published', now(), 1, now(), now()
       from generate_series($2::int, $2::int + ${POSTS_AT_ONCE - 1}) n`,
      [authorId, thousand * POSTS_AT_ONCE, content],
    );
    await each();
  }
}
