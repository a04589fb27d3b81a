import { sql } from "drizzle-orm";
import type { PostContent, PostTitle } from "../../../domain/post/post.ts";
import type { PostFilter } from "../../../domain/post/post-list.ts";
import { MAX_PAGE_JSON_BYTES } from "../../../domain/post/post-page.ts";
import type { PostId } from "../../../domain/shared/id.ts";
import type { Database } from "../database.ts";
import { bytesAfterFirst } from "../post-lists.ts";
import { POST_COLUMNS, type PostRow } from "../post-row.ts";
import { once } from "../prepared.ts";
import { posts } from "../schema.ts";

/** A post that a search found. */
export interface PageRow {
  readonly post: PostRow;
  /** True if the content up to this post exceeds a page, so that later posts are not read. */
  readonly isLast: boolean;
}

/** The text of a post, for the comparison of its words with those of a query. */
export interface PostText {
  readonly id: PostId;
  readonly title: PostTitle;
  readonly content: PostContent;
}

const found = sql`unnest(${sql.placeholder("ids")}::uuid[]) with ordinality as found (id, place)`;

/** The posts of the filter, as they are now: they may have changed since they were found. */
const isVisible = sql`(
  ${posts.status} = 'published' and ${sql.placeholder("hasPublished")}::boolean
    and coalesce(${sql.placeholder("author")}::uuid, ${posts.authorId}) = ${posts.authorId}
    and (${sql.placeholder("after")}::timestamptz is null or ${posts.publishedAt} > ${sql.placeholder("after")}::timestamptz)
    and (${sql.placeholder("before")}::timestamptz is null or ${posts.publishedAt} < ${sql.placeholder("before")}::timestamptz)
  or ${posts.status} = 'draft' and ${sql.placeholder("hasDrafts")}::boolean
    and coalesce(${sql.placeholder("draftAuthor")}::uuid, ${posts.authorId}) = ${posts.authorId})`;

function valuesOf(ids: readonly PostId[], { published, drafts }: PostFilter): Record<string, unknown> {
  return {
    ids,
    hasPublished: published !== null,
    author: published?.authorId ?? null,
    after: published?.after?.toISOString() ?? null,
    before: published?.before?.toISOString() ?? null,
    hasDrafts: drafts !== null,
    draftAuthor: drafts?.authorId ?? null,
  };
}

/** Reads found posts in their order, as many as fit on a page, and one more. */
export function pageRows(db: Database): (ids: readonly PostId[], filter: PostFilter) => Promise<readonly PageRow[]> {
  const inOrder = sql`order by place`;
  const page = sql`(
    select id as page_id, place, ${bytesAfterFirst(inOrder, sql`bytes`)} as bytes_before, bytes from (
      select ${posts.id}, place, octet_length(${posts.content}) as bytes
      from ${found} join ${posts} on ${posts.id} = found.id where ${isVisible}
    ) as measured
  ) as page`;
  const statement = once(() =>
    db
      .select({
        post: POST_COLUMNS,
        isLast: sql<boolean>`place > 1 and bytes_before + bytes > ${sql.raw(String(MAX_PAGE_JSON_BYTES))}`,
      })
      .from(page)
      .innerJoin(posts, sql`${posts.id} = page_id`)
      .where(sql`bytes_before <= ${sql.raw(String(MAX_PAGE_JSON_BYTES))}`)
      .orderBy(sql`place`)
      .prepare("search_page"),
  );
  return async (ids, filter) => statement().execute(valuesOf(ids, filter));
}

/** Reads the texts of found posts, newest first, up to a number of characters of each content. */
export function postTexts(
  db: Database,
  maxContentLength: number,
): (ids: readonly PostId[], filter: PostFilter) => Promise<readonly PostText[]> {
  const statement = once(() =>
    db
      .select({
        id: posts.id,
        title: posts.title,
        content: sql<PostContent>`left(${posts.content}, ${sql.raw(String(maxContentLength))})`,
      })
      .from(found)
      .innerJoin(posts, sql`${posts.id} = found.id`)
      .where(isVisible)
      .prepare("search_texts"),
  );
  return async (ids, filter) => statement().execute(valuesOf(ids, filter));
}
