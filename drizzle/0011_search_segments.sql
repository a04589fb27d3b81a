-- Each lexeme of the index begins with the segment of its row. The index is filled again in the background, from an empty table:
-- rows that were replaced one by one would leave it twice as large.
-- Blocks: searches, and posts that change their status, author or time of publication, wait until this transaction ends, which takes milliseconds.
TRUNCATE "post_search";--> statement-breakpoint
UPDATE "search_index" SET "analysis" = 0, "is_complete" = false, "last_ordinal" = 0;
