-- Rows of other tables refer to none of these, and posts stay readable and writable while the index is filled in batches.
CREATE TABLE "post_search" (
	"post_id" uuid NOT NULL,
	"ordinal" bigint NOT NULL,
	"version" bigint NOT NULL,
	"analysis" smallint NOT NULL,
	"published_at" timestamp (3) with time zone,
	"bytes" integer NOT NULL,
	"terms" "tsvector" NOT NULL,
	CONSTRAINT "post_search_pkey" PRIMARY KEY("post_id")
);
--> statement-breakpoint
CREATE TABLE "search_index" (
	"id" smallint DEFAULT 1 NOT NULL,
	"analysis" smallint NOT NULL,
	"is_complete" boolean NOT NULL,
	"last_ordinal" bigint NOT NULL,
	CONSTRAINT "search_index_pkey" PRIMARY KEY("id"),
	CONSTRAINT "search_index_one_row" CHECK ("search_index"."id" = 1)
);
--> statement-breakpoint
INSERT INTO "search_index" ("analysis", "is_complete", "last_ordinal") VALUES (0, false, 0);--> statement-breakpoint
-- The terms are stored outside the row, uncompressed, unless they are few: most rows of a search are read without them, and 80
-- such rows fit on a page (PostgreSQL 18, 66.2). Compression would not shorten them.
ALTER TABLE "post_search" ALTER COLUMN "terms" SET STORAGE EXTERNAL;--> statement-breakpoint
ALTER TABLE "post_search" SET (toast_tuple_target = 128);--> statement-breakpoint
-- Statistics of terms would be of no use: a search is planned before its words are known.
ALTER TABLE "post_search" ALTER COLUMN "terms" SET STATISTICS 0;--> statement-breakpoint
-- Blocks: posts cannot be written until this transaction ends, which takes milliseconds: the new table is empty.
ALTER TABLE "post_search" ADD CONSTRAINT "post_search_post_fkey" FOREIGN KEY ("post_id") REFERENCES "public"."posts"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
-- The pending list takes the entries of a batch, and merges them into the index in order, in half of the time (PostgreSQL 18,
-- 65.4.4.1). Batches merge it themselves, so that a search finds it empty; this bounds it if they cannot.
CREATE INDEX "post_search_terms_idx" ON "post_search" USING gin ("terms") WITH (fastupdate=true,gin_pending_list_limit=1024);--> statement-breakpoint
-- Merges the pending list. Only the owner of an index may, and the server may have a role of its own for migrations.
CREATE FUNCTION "public"."merge_post_search"() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$ SELECT gin_clean_pending_list('public.post_search_terms_idx') $$;--> statement-breakpoint
-- Nobody finds a post by what it was when others could see it. Older programs are held to this as well. The post is indexed
-- again within a second.
CREATE FUNCTION "public"."remove_from_search"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM "public"."post_search" WHERE post_id = OLD.id;
  RETURN NULL;
END $$;--> statement-breakpoint
-- Blocks: as above.
CREATE TRIGGER "posts_remove_from_search" AFTER UPDATE ON "posts" FOR EACH ROW
  WHEN (OLD.status <> NEW.status OR OLD.author_id <> NEW.author_id OR OLD.published_at IS DISTINCT FROM NEW.published_at)
  EXECUTE FUNCTION "public"."remove_from_search"();--> statement-breakpoint
-- Contracts: before 0008_post_search_index: an older program searches by this column.
-- Blocks: posts can neither be read nor written until this transaction ends, which takes milliseconds: no row is rewritten. The
-- space of the old words becomes free when a row is written again.
ALTER TABLE "posts" DROP COLUMN "words";--> statement-breakpoint
-- Contracts: as above. Blocks: as above.
DROP INDEX "posts_title_key_idx";--> statement-breakpoint
-- Contracts: as above.
DROP FUNCTION "public"."title_key"(text);--> statement-breakpoint
-- Contracts: as above.
-- The extensions unaccent and pg_trgm stay: another application of the database may use them, and only their owner may drop them.
DROP TEXT SEARCH CONFIGURATION "public"."quire";
