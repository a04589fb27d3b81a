-- Both are trusted: who may create in the database may create them (PostgreSQL 18, F.32 and F.48).
CREATE EXTENSION IF NOT EXISTS "unaccent";--> statement-breakpoint
CREATE EXTENSION IF NOT EXISTS "pg_trgm";--> statement-breakpoint
-- English, with accents taken off before words are stemmed. As a dictionary of a configuration, which PostgreSQL takes for
-- unchanging, it may be part of a generated column; as a function, unaccent may not (PostgreSQL 18, 12.6.6).
CREATE TEXT SEARCH CONFIGURATION "public"."quire" (COPY = "pg_catalog"."english");--> statement-breakpoint
ALTER TEXT SEARCH CONFIGURATION "public"."quire" ALTER MAPPING FOR "hword", "hword_part", "word" WITH "unaccent", "english_stem";--> statement-breakpoint
ALTER TEXT SEARCH CONFIGURATION "public"."quire" ALTER MAPPING FOR "numhword", "hword_numpart", "numword" WITH "unaccent", "simple";--> statement-breakpoint
-- What is in such a body is looked up now and by nobody's search_path later (PostgreSQL 18, CREATE FUNCTION), a dump's neither.
CREATE FUNCTION "public"."title_key"("title" text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  RETURN lower(unaccent('unaccent', "title"));--> statement-breakpoint
-- What is between < and > is text, as in i<n, and not a tag, of which PostgreSQL would leave out the words.
-- Blocks: posts can neither be read nor written while each is rewritten with its words.
ALTER TABLE "posts" ADD COLUMN "words" tsvector GENERATED ALWAYS AS (
  setweight(to_tsvector('public.quire', replace("title", '<', ' ')), 'A') || setweight(to_tsvector('public.quire', replace(left("content", 20000), '<', ' ')), 'B')
) STORED;--> statement-breakpoint
-- Blocks: as above, until its transaction ends.
CREATE INDEX "posts_words_idx" ON "posts" USING gin ("words");--> statement-breakpoint
-- Blocks: as above, until its transaction ends.
CREATE INDEX "posts_title_key_idx" ON "posts" USING gin ("public"."title_key"("title") gin_trgm_ops);--> statement-breakpoint
-- What PostgreSQL would find out about them is of no use: it plans a search before it knows for what.
ALTER TABLE "posts" ALTER COLUMN "words" SET STATISTICS 0;--> statement-breakpoint
ALTER INDEX "posts_title_key_idx" ALTER COLUMN 1 SET STATISTICS 0;
