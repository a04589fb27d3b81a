/** The tables for the contenders that use Drizzle. */
import { bigint, pgTable, text, timestamp, uuid } from "drizzle-orm/pg-core";

const time = (name) => timestamp(name, { withTimezone: true, precision: 3 });

export const users = pgTable("users", {
  id: uuid("id").primaryKey(),
  name: text("name").notNull(),
});

export const posts = pgTable("posts", {
  id: uuid("id").primaryKey(),
  title: text("title").notNull(),
  content: text("content").notNull(),
  authorId: uuid("author_id")
    .notNull()
    .references(() => users.id),
  status: text("status").notNull(),
  publishedAt: time("published_at"),
  version: bigint("version", { mode: "number" }).notNull(),
  createdAt: time("created_at").notNull(),
  updatedAt: time("updated_at").notNull(),
});

export const sessions = pgTable("sessions", {
  id: uuid("id").primaryKey(),
  userId: uuid("user_id").notNull(),
  tokenDigest: text("token_digest").notNull(),
});
