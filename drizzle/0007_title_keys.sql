-- Contracts: an older Quire that still serves lists the same posts by title without it, by sorting them at each page.
-- Blocks: posts can neither be read nor written until this transaction ends, which takes seconds for a million of them.
DROP INDEX "posts_title_idx";--> statement-breakpoint
-- Contracts: as above.
DROP INDEX "posts_author_title_idx";--> statement-breakpoint
ALTER TABLE "posts" ADD COLUMN "title_key" text;--> statement-breakpoint
-- An older Quire changes titles without their keys: a key goes with the version of the post that it was written at.
ALTER TABLE "posts" ADD COLUMN "title_key_version" bigint;--> statement-breakpoint
-- Blocks: as above.
CREATE INDEX "posts_outdated_title_key_idx" ON "posts" USING btree ("id") WHERE "posts"."title_key_version" is distinct from "posts"."version";--> statement-breakpoint
-- Blocks: as above.
CREATE INDEX "posts_title_idx" ON "posts" USING btree ("status",(case when "title_key_version" = "version" then "title_key" else "title" end) collate "C","id");--> statement-breakpoint
-- Blocks: as above.
CREATE INDEX "posts_author_title_idx" ON "posts" USING btree ("author_id","status",(case when "title_key_version" = "version" then "title_key" else "title" end) collate "C","id");
