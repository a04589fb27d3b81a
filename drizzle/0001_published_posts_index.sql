DROP INDEX "posts_status_idx";--> statement-breakpoint
CREATE INDEX "posts_published_idx" ON "posts" USING btree ("id") WHERE "posts"."status" = 'published';