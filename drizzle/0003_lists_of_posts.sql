-- Blocks: posts cannot be written while their index is built, which takes seconds for a million of them.
CREATE INDEX "posts_status_idx" ON "posts" USING btree ("status","id");--> statement-breakpoint
-- Blocks: posts cannot be written while their index is built, which takes seconds for a million of them.
CREATE INDEX "posts_updated_idx" ON "posts" USING btree ("status","updated_at","id");--> statement-breakpoint
-- Blocks: posts cannot be written while their index is built, which takes seconds for a million of them.
CREATE INDEX "posts_author_updated_idx" ON "posts" USING btree ("author_id","status","updated_at","id");--> statement-breakpoint
-- Blocks: posts cannot be written while their index is built, which takes seconds for a million of them.
CREATE INDEX "posts_published_at_idx" ON "posts" USING btree ("status","published_at","id") WHERE "posts"."published_at" is not null;--> statement-breakpoint
-- Blocks: posts cannot be written while their index is built, which takes seconds for a million of them.
CREATE INDEX "posts_author_published_at_idx" ON "posts" USING btree ("author_id","status","published_at","id") WHERE "posts"."published_at" is not null;--> statement-breakpoint
-- Blocks: posts cannot be written while their index is built, which takes seconds for a million of them.
CREATE INDEX "posts_title_idx" ON "posts" USING btree ("status","title" collate "C","id");--> statement-breakpoint
-- Blocks: posts cannot be written while their index is built, which takes seconds for a million of them.
CREATE INDEX "posts_author_title_idx" ON "posts" USING btree ("author_id","status","title" collate "C","id");--> statement-breakpoint
-- Contracts: an older Quire that still serves lists the same posts without it, by an index of all.
DROP INDEX "posts_published_idx";