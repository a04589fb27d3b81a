import { isNotNull, sql, type SQL } from "drizzle-orm";
import {
  bigint,
  boolean,
  check,
  customType,
  foreignKey,
  index,
  integer,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  unique,
  uuid,
  type PgColumn,
} from "drizzle-orm/pg-core";
import type { Fingerprint, IdempotencyRecord, KeyDigest } from "../../domain/shared/idempotency-record.ts";
import type { EmailAddress, EmailKey } from "../../domain/user/email-address.ts";
import type { PostId, SessionId, UserId } from "../../domain/shared/id.ts";
import type { PasswordHash } from "../../domain/user/password.ts";
import type { PostContent, PostStatus, PostTitle } from "../../domain/post/post.ts";
import type { TokenDigest } from "../../domain/session/session.ts";
import type { Role, UserName } from "../../domain/user/user.ts";
import type { PostsFate } from "../../domain/user/user-removal.ts";
import type { Version } from "../../domain/shared/version.ts";

/** A time with the millisecond precision of a JavaScript `Date`, so that a stored time is read back unchanged. */
const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: "date" });

/** True if the key of an address may differ from the address in lower case. Only such a key can change with the rule. */
export function isUnicodeEmail(email: PgColumn): SQL {
  return sql`(octet_length(${email}) <> char_length(${email}) or ${email} ilike '%xn--%')`;
}

export const users = pgTable(
  "users",
  {
    id: uuid().$type<UserId>().notNull(),
    name: text().$type<UserName>().notNull(),
    email: text().$type<EmailAddress>().notNull(),
    emailKey: text("email_key").$type<EmailKey>().notNull(),
    passwordHash: text("password_hash").$type<PasswordHash>().notNull(),
    role: text().$type<Role>().notNull(),
    version: bigint({ mode: "number" }).$type<Version>().notNull(),
    createdAt: moment("created_at").notNull(),
    updatedAt: moment("updated_at").notNull(),
    // Set while a requested removal is not finished. Readers do not see the user, and the row stays until nothing refers to
    // it (user-removal.ts).
    removalRequestedAt: moment("removal_requested_at"),
    removalFate: text("removal_fate").$type<PostsFate["kind"]>(),
    removalHeirId: uuid("removal_heir_id").$type<UserId>(),
  },
  (user) => [
    primaryKey({ name: "users_pkey", columns: [user.id] }),
    unique("users_email_key_unique").on(user.emailKey),
    index("users_removal_idx").on(user.removalRequestedAt).where(isNotNull(user.removalRequestedAt)),
    // Finds the removals that reassign posts to a user who is now removed as well.
    index("users_removal_heir_idx").on(user.removalHeirId).where(isNotNull(user.removalHeirId)),
    check("users_role_check", sql`${user.role} in ('author', 'admin')`),
    index("users_admin_idx")
      .on(user.id)
      .where(sql`${user.role} = 'admin'`),
    // For email-keys.ts, which reads at every start the users whose keys may be outdated.
    index("users_unicode_email_idx").on(user.id).where(isUnicodeEmail(user.email)),
  ],
);

/**
 * The number of bytes that each account has stored, which triggers on the other tables count. A user whose removal was
 * requested has no row here, so nothing more can be stored for the user.
 */
export const accountUsage = pgTable(
  "account_usage",
  {
    userId: uuid("user_id").$type<UserId>().notNull(),
    bytes: bigint({ mode: "number" }).notNull(),
  },
  (usage) => [
    primaryKey({ name: "account_usage_pkey", columns: [usage.userId] }),
    foreignKey({ name: "account_usage_user_fkey", columns: [usage.userId], foreignColumns: [users.id] }).onDelete(
      "cascade",
    ),
  ],
);

type TitleColumns = Readonly<Record<"title" | "version" | "titleKey" | "titleKeyVersion", PgColumn>>;

/** True if a post lacks the current key of its title, because an older program has written the post. */
export function hasOutdatedTitleKey({ version, titleKeyVersion }: Omit<TitleColumns, "title" | "titleKey">): SQL {
  return sql`${titleKeyVersion} is distinct from ${version}`;
}

/** The sort key of a title, compared by code points. It is the title itself when the current key is missing. */
export function titleOrder({ title, titleKey, version, titleKeyVersion }: TitleColumns): SQL {
  return sql`(case when ${titleKeyVersion} = ${version} then ${titleKey} else ${title} end) collate "C"`;
}

export const posts = pgTable(
  "posts",
  {
    id: uuid().$type<PostId>().notNull(),
    title: text().$type<PostTitle>().notNull(),
    content: text().$type<PostContent>().notNull(),
    authorId: uuid("author_id").$type<UserId>().notNull(),
    status: text().$type<PostStatus>().notNull(),
    publishedAt: moment("published_at"),
    version: bigint({ mode: "number" }).$type<Version>().notNull(),
    createdAt: moment("created_at").notNull(),
    updatedAt: moment("updated_at").notNull(),
    /** The {@link titleSortKey} of the title. An older program stores none, or keeps the key of an earlier title. */
    titleKey: text("title_key"),
    /** The version of the post for which the key was computed. At any other version the key is outdated. */
    titleKeyVersion: bigint("title_key_version", { mode: "number" }).$type<Version>(),
  },
  (post) => [
    primaryKey({ name: "posts_pkey", columns: [post.id] }),
    foreignKey({ name: "posts_author_fkey", columns: [post.authorId], foreignColumns: [users.id] }),
    check(
      "posts_status_check",
      sql`(${post.status} = 'draft' and ${post.publishedAt} is null) or (${post.status} = 'published' and ${post.publishedAt} is not null)`,
    ),
    // Each sort has an index of all posts, and one of the posts of each author (post-lists.ts).
    index("posts_status_idx").on(post.status, post.id),
    index("posts_author_idx").on(post.authorId, post.status, post.id),
    index("posts_updated_idx").on(post.status, post.updatedAt, post.id),
    index("posts_author_updated_idx").on(post.authorId, post.status, post.updatedAt, post.id),
    // Drafts have no time of publication, so they are not in these indexes.
    index("posts_published_at_idx").on(post.status, post.publishedAt, post.id).where(isNotNull(post.publishedAt)),
    index("posts_author_published_at_idx")
      .on(post.authorId, post.status, post.publishedAt, post.id)
      .where(isNotNull(post.publishedAt)),
    index("posts_title_idx").on(post.status, titleOrder(post), post.id),
    index("posts_author_title_idx").on(post.authorId, post.status, titleOrder(post), post.id),
    // For title-keys.ts, which reads these posts at every start and once an hour.
    index("posts_outdated_title_key_idx").on(post.id).where(hasOutdatedTitleKey(post)),
  ],
);

/** A tsvector in PostgreSQL's text format. */
const tsvector = customType<{ data: string }>({ dataType: () => "tsvector" });

/**
 * The search index: a projection of `posts`, one row a post, which `search/` fills after the commit. A trigger deletes the row of
 * a post whose status, author or time of publication changes, so a row and its post are always visible to the same viewers. Its
 * terms are those of `version`, which is older than the post until the post is indexed again.
 */
export const postSearch = pgTable(
  "post_search",
  {
    postId: uuid("post_id").$type<PostId>().notNull(),
    /** Its number. Batches of new rows reserve their ordinals one after the other. A search reads the greatest ones first, in blocks. */
    ordinal: bigint({ mode: "number" }).notNull(),
    version: bigint({ mode: "number" }).$type<Version>().notNull(),
    /** The version of the text analysis that made the terms. */
    analysis: smallint().notNull(),
    publishedAt: moment("published_at"),
    /** The size of `terms`. It bounds the bytes that a statement reads, without reading them. */
    bytes: integer().notNull(),
    terms: tsvector().notNull(),
  },
  (row) => [
    primaryKey({ name: "post_search_pkey", columns: [row.postId] }),
    foreignKey({ name: "post_search_post_fkey", columns: [row.postId], foreignColumns: [posts.id] }).onDelete(
      "cascade",
    ),
    index("post_search_terms_idx").using("gin", row.terms).with({ fastupdate: true, gin_pending_list_limit: 1024 }),
  ],
);

/** One row: the state of the search index. */
export const searchIndex = pgTable(
  "search_index",
  {
    id: smallint().notNull().default(1),
    /** The newest version of the text analysis that the whole index has, once `isComplete`. */
    analysis: smallint().notNull(),
    /** Whether every post has been indexed by that version once. */
    isComplete: boolean("is_complete").notNull(),
    /** The greatest reserved ordinal. Several processes may store their rows in another order than they reserved the ordinals. */
    lastOrdinal: bigint("last_ordinal", { mode: "number" }).notNull(),
  },
  (state) => [
    primaryKey({ name: "search_index_pkey", columns: [state.id] }),
    check("search_index_one_row", sql`${state.id} = 1`),
  ],
);

export const sessions = pgTable(
  "sessions",
  {
    id: uuid().$type<SessionId>().notNull(),
    userId: uuid("user_id").$type<UserId>().notNull(),
    tokenDigest: text("token_digest").$type<TokenDigest>().notNull(),
    createdAt: moment("created_at").notNull(),
    lastUsedAt: moment("last_used_at").notNull(),
    expiresAt: moment("expires_at").notNull(),
  },
  (session) => [
    primaryKey({ name: "sessions_pkey", columns: [session.id] }),
    foreignKey({ name: "sessions_user_fkey", columns: [session.userId], foreignColumns: [users.id] }).onDelete(
      "cascade",
    ),
    unique("sessions_token_digest_unique").on(session.tokenDigest),
    index("sessions_user_idx").on(session.userId, session.id),
    index("sessions_expiry_idx").on(session.expiresAt),
  ],
);

export const idempotencyKeys = pgTable(
  "idempotency_keys",
  {
    keyDigest: text("key_digest").$type<KeyDigest>().notNull(),
    userId: uuid("user_id").$type<UserId>().notNull(),
    fingerprint: text().$type<Fingerprint>().notNull(),
    result: text("answer").$type<IdempotencyRecord["result"]>().notNull(),
    createdAt: moment("created_at").notNull(),
    expiresAt: moment("expires_at").notNull(),
  },
  (record) => [
    primaryKey({ name: "idempotency_keys_pkey", columns: [record.keyDigest] }),
    foreignKey({ name: "idempotency_keys_user_fkey", columns: [record.userId], foreignColumns: [users.id] }).onDelete(
      "cascade",
    ),
    // For the removal of a user. Nothing else finds records by their user.
    index("idempotency_keys_user_idx").on(record.userId),
    index("idempotency_keys_expiry_idx").on(record.expiresAt),
  ],
);

/**
 * The windows of rate limits that several processes count together. The Node server counts in its own process, so its table is
 * empty. The rows are worth nothing after their window, so a transfer leaves them out.
 */
export const rateLimits = pgTable(
  "rate_limits",
  {
    /** The SHA-256 of the name of the policy and of the key, which may hold an address. */
    key: text().notNull(),
    taken: integer().notNull(),
    /** Whether the last request was refused. */
    isExceeded: boolean("is_exceeded").notNull(),
    endsAt: moment("ends_at").notNull(),
  },
  (window) => [
    primaryKey({ name: "rate_limits_pkey", columns: [window.key] }),
    index("rate_limits_end_idx").on(window.endsAt),
  ],
);
