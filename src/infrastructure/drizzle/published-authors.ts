import { and, isNotNull, sql, type SQL } from "drizzle-orm";
import type { UserId } from "../../domain/shared/id.ts";
import type { PageRequest } from "../../domain/shared/page.ts";
import { posts, users } from "./schema.ts";

/** No more removals run at the same time, because each costs an account and 200 units of a rate limit (rate-costs.ts). */
const MAX_REMOVALS = 1000;

/**
 * The ids of the users after the cursor who have a published post, in its direction: up to one more than the limit. It is a
 * loose index scan: each step of the recursion is one descent into the index of published posts by author. So the cost of a
 * page depends neither on users without published posts nor on the number of posts of an author.
 *
 * Users who are being removed may be among the ids and are not shown, so the result has as many additional ids.
 */
export function publishedAuthors({ limit, from }: PageRequest<UserId>): SQL {
  const isBackward = from?.direction === "backward";
  const nextAuthor = (author: SQL | null) => {
    const after = author && (isBackward ? sql`${posts.authorId} > ${author}` : sql`${posts.authorId} < ${author}`);
    const towards = sql.raw(isBackward ? "asc" : "desc");
    // All columns of the index, so that PostgreSQL cannot choose another index and sort its rows.
    const columns = [posts.authorId, posts.status, posts.publishedAt, posts.id];
    const order = sql.join(
      columns.map((column) => sql`${column} ${towards}`),
      sql`, `,
    );
    const where = and(isNotNull(posts.publishedAt), after ?? undefined);
    return sql`(select ${posts.authorId} from ${posts} where ${where} order by ${order} limit 1)`;
  };
  const first = nextAuthor(from && sql`${from.id}`);
  const next = nextAuthor(sql`authors.id`);
  const removed = sql`(select count(*) from (
    select from ${users} where ${isNotNull(users.removalRequestedAt)}
    order by ${users.removalRequestedAt} limit ${MAX_REMOVALS}
  ) as removed)`;
  return sql`(
    with recursive authors (id, number) as (
      select ${first}, 1
      union all
      select ${next}, number + 1 from authors where authors.id is not null and number <= ${limit} + ${removed}
    )
    select id from authors where id is not null
  )`;
}
