/** The queries of a handler, as Drizzle's documentation writes them. */
import { createHash, randomUUID } from "node:crypto";
import { and, desc, eq, getTableColumns, lt } from "drizzle-orm";
import { posts, sessions, users } from "./schema.mjs";

export async function findPost(db, id) {
  const [post] = await db.select().from(posts).where(eq(posts.id, id));
  return post;
}

export async function findUserId(db, authorization) {
  const token = authorization?.replace("Bearer ", "") ?? "";
  const digest = createHash("sha256").update(token).digest("hex");
  const [session] = await db.select().from(sessions).where(eq(sessions.tokenDigest, digest));
  return session?.userId;
}

export async function listPosts(db, { cursor, include }) {
  const published = eq(posts.status, "published");
  const columns = getTableColumns(posts);
  const author = { id: users.id, name: users.name };
  const query =
    include === "author"
      ? db
          .select({ ...columns, author })
          .from(posts)
          .innerJoin(users, eq(users.id, posts.authorId))
      : db.select().from(posts);
  const items = await query
    .where(cursor === undefined ? published : and(published, lt(posts.id, cursor)))
    .orderBy(desc(posts.id))
    .limit(20);
  return { items, nextCursor: items.at(-1)?.id ?? null };
}

export async function createPost(db, authorId, { title, content, status }) {
  const now = new Date();
  const publishedAt = status === "published" ? now : null;
  const values = { id: randomUUID(), title, content, status, authorId, publishedAt, version: 1 };
  const [post] = await db
    .insert(posts)
    .values({ ...values, createdAt: now, updatedAt: now })
    .returning();
  return post;
}

/** Only its author can see a draft. */
export async function mayRead(db, post, authorization) {
  return post.status === "published" || (await findUserId(db, authorization)) === post.authorId;
}
