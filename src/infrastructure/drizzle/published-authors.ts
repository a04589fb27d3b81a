import { and, isNotNull, sql, type SQL } from "drizzle-orm";
import type { UserId } from "../../domain/shared/id.ts";
import type { PageRequest } from "../../domain/shared/page.ts";
import { posts, users } from "./schema.ts";

/** More users are never removed at once: each takes an account and 200 units of a budget (rate-costs.ts). */
const MAX_REMOVALS = 1000;

/**
 * The ids of the users past a place who have a published post, in the direction of its going: one more than the limit
 * where there are. Each step of the recursion is one descent into the index of authors' times of publication, which holds
 * published posts alone (a loose index scan), so a page costs the same however many users have published nothing, and
 * however many posts an author has. As many more are given as users are being removed, who may be among them and are not shown.
 */
export function publishedAuthors({ limit, from }: PageRequest<UserId>): SQL {
  const isBackward = from?.direction === "backward";
  const nextAuthor = (place: SQL | null) => {
    const past = place && (isBackward ? sql`${posts.authorId} > ${place}` : sql`${posts.authorId} < ${place}`);
    const towards = sql.raw(isBackward ? "asc" : "desc");
    // All columns of the index, so that no other has this order and nothing is sorted.
    const columns = [posts.authorId, posts.status, posts.publishedAt, posts.id];
    const order = sql.join(
      columns.map((column) => sql`${column} ${towards}`),
      sql`, `,
    );
    const where = and(isNotNull(posts.publishedAt), past ?? undefined);
    return sql`(select ${posts.authorId} from ${posts} where ${where} order by ${order} limit 1)`;
  };
  const first = nextAuthor(from && sql`${from.id}`);
  const next = nextAuthor(sql`authors.id`);
  const removed = sql`(select count(*) from (
    select from ${users} where ${isNotNull(users.removalRequestedAt)}
    order by ${users.removalRequestedAt} limit ${MAX_REMOVALS}
  ) as removed)`;
  return sql`(
    with recursive authors (id, place) as (
      select ${first}, 1
      union all
      select ${next}, place + 1 from authors where authors.id is not null and place <= ${limit} + ${removed}
    )
    select id from authors where id is not null
  )`;
}
