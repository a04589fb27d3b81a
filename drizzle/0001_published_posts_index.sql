-- Blocks: posts cannot be written while their index is built, which takes seconds for a million of them.
CREATE INDEX "posts_published_idx" ON "posts" USING btree ("id") WHERE "posts"."status" = 'published';--> statement-breakpoint
-- Contracts: an older Quire that still serves lists the same posts without it, by an index of all.
DROP INDEX "posts_status_idx";
