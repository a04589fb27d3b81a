CREATE TABLE "account_usage" (
	"user_id" uuid NOT NULL,
	"bytes" bigint NOT NULL,
	CONSTRAINT "account_usage_pkey" PRIMARY KEY("user_id")
);
--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "removal_requested_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "removal_fate" text;--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "removal_heir_id" uuid;--> statement-breakpoint
ALTER TABLE "account_usage" ADD CONSTRAINT "account_usage_user_fkey" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
-- Blocks: users cannot be written while their index is built, which has no row yet: milliseconds for a million of them.
CREATE INDEX "users_removal_idx" ON "users" USING btree ("removal_requested_at") WHERE "users"."removal_requested_at" is not null;--> statement-breakpoint
-- Blocks: as above.
CREATE INDEX "users_removal_heir_idx" ON "users" USING btree ("removal_heir_id") WHERE "users"."removal_heir_id" is not null;--> statement-breakpoint
-- The row, its indexes and its place in the table count as 1 KiB, so that very many small rows count as well. A length in
-- bytes is known without reading a value that is stored outside its row.
CREATE FUNCTION "public"."post_bytes"("title" text, "content" text) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN 1024 + octet_length("title") + octet_length("content");--> statement-breakpoint
CREATE FUNCTION "public"."replay_record_bytes"("answer" text) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN 1024 + octet_length("answer");--> statement-breakpoint
CREATE FUNCTION "public"."open_account_usage"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO "public"."account_usage" ("user_id", "bytes") SELECT "id", 0 FROM new_rows;
  RETURN NULL;
END $$;--> statement-breakpoint
-- Adds to what accounts have stored, and gives how many accounts those were: one that is removed has no row any more. Rows
-- are locked in the order of their ids, so that two statements that count for several accounts never wait for each other.
CREATE FUNCTION "public"."add_account_usage"("users" uuid[], "changes" bigint[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  counted bigint;
BEGIN
  IF cardinality("users") = 1 THEN
    UPDATE "public"."account_usage" SET bytes = bytes + "changes"[1] WHERE user_id = "users"[1];
    GET DIAGNOSTICS counted = ROW_COUNT;
    RETURN counted;
  END IF;
  WITH change AS (
    SELECT * FROM unnest("users", "changes") AS change (user_id, bytes)
  ), held AS MATERIALIZED (
    SELECT usage.user_id FROM "public"."account_usage" AS usage
    WHERE usage.user_id = ANY ("users") ORDER BY usage.user_id FOR NO KEY UPDATE
  )
  UPDATE "public"."account_usage" AS usage SET bytes = usage.bytes + change.bytes
  FROM held JOIN change ON change.user_id = held.user_id WHERE usage.user_id = held.user_id;
  GET DIAGNOSTICS counted = ROW_COUNT;
  RETURN counted;
END $$;--> statement-breakpoint
-- Nobody stores for a user who is removed, an older program neither, which is told what it knows.
CREATE FUNCTION "public"."count_posts"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  users uuid[];
  changes bigint[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT array_agg(author_id), array_agg(bytes) INTO users, changes FROM (
      SELECT author_id, sum("public"."post_bytes"(title, content))::bigint AS bytes FROM new_rows GROUP BY author_id
    ) AS change;
    IF "public"."add_account_usage"(users, changes) < cardinality(users) THEN
      RAISE foreign_key_violation USING CONSTRAINT = 'posts_author_fkey', MESSAGE = 'The author of a new post is removed.';
    END IF;
  ELSIF TG_OP = 'DELETE' THEN
    PERFORM "public"."add_account_usage"(array_agg(author_id), array_agg(bytes)) FROM (
      SELECT author_id, (-sum("public"."post_bytes"(title, content)))::bigint AS bytes FROM old_rows GROUP BY author_id
    ) AS change HAVING count(*) > 0;
  ELSE
    PERFORM "public"."add_account_usage"(array_agg(author_id), array_agg(bytes)) FROM (
      SELECT author_id, sum(bytes)::bigint AS bytes FROM (
        SELECT author_id, "public"."post_bytes"(title, content) AS bytes FROM new_rows
        UNION ALL SELECT author_id, -"public"."post_bytes"(title, content) FROM old_rows
      ) AS row GROUP BY author_id HAVING sum(bytes) <> 0
    ) AS change HAVING count(*) > 0;
    SELECT array_agg(DISTINCT author_id) INTO users FROM new_rows WHERE author_id NOT IN (SELECT author_id FROM old_rows);
    IF (SELECT count(*) FROM "public"."account_usage" WHERE user_id = ANY (users)) < cardinality(users) THEN
      RAISE foreign_key_violation USING CONSTRAINT = 'posts_author_fkey', MESSAGE = 'The new author of a post is removed.';
    END IF;
  END IF;
  RETURN NULL;
END $$;--> statement-breakpoint
CREATE FUNCTION "public"."count_replay_records"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM "public"."add_account_usage"(array_agg(user_id), array_agg(bytes)) FROM (
      SELECT user_id, sum("public"."replay_record_bytes"(answer))::bigint AS bytes FROM new_rows GROUP BY user_id
    ) AS change HAVING count(*) > 0;
  ELSIF TG_OP = 'DELETE' THEN
    PERFORM "public"."add_account_usage"(array_agg(user_id), array_agg(bytes)) FROM (
      SELECT user_id, (-sum("public"."replay_record_bytes"(answer)))::bigint AS bytes FROM old_rows GROUP BY user_id
    ) AS change HAVING count(*) > 0;
  ELSE
    PERFORM "public"."add_account_usage"(array_agg(user_id), array_agg(bytes)) FROM (
      SELECT user_id, sum(bytes)::bigint AS bytes FROM (
        SELECT user_id, "public"."replay_record_bytes"(answer) AS bytes FROM new_rows
        UNION ALL SELECT user_id, -"public"."replay_record_bytes"(answer) FROM old_rows
      ) AS row GROUP BY user_id HAVING sum(bytes) <> 0
    ) AS change HAVING count(*) > 0;
  END IF;
  RETURN NULL;
END $$;--> statement-breakpoint
-- Blocks: users cannot be written until this migration has ended, as the next statements count what there is.
CREATE TRIGGER "users_open_usage" AFTER INSERT ON "users" REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION "public"."open_account_usage"();--> statement-breakpoint
-- Blocks: posts cannot be written until this migration has ended, which counts them: seconds for a million of them. They can
-- be read.
CREATE TRIGGER "posts_count_inserts" AFTER INSERT ON "posts" REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION "public"."count_posts"();--> statement-breakpoint
CREATE TRIGGER "posts_count_updates" AFTER UPDATE ON "posts" REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION "public"."count_posts"();--> statement-breakpoint
CREATE TRIGGER "posts_count_deletes" AFTER DELETE ON "posts" REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION "public"."count_posts"();--> statement-breakpoint
-- Blocks: as above, for the records of a day.
CREATE TRIGGER "idempotency_keys_count_inserts" AFTER INSERT ON "idempotency_keys" REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION "public"."count_replay_records"();--> statement-breakpoint
CREATE TRIGGER "idempotency_keys_count_updates" AFTER UPDATE ON "idempotency_keys" REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION "public"."count_replay_records"();--> statement-breakpoint
CREATE TRIGGER "idempotency_keys_count_deletes" AFTER DELETE ON "idempotency_keys" REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION "public"."count_replay_records"();--> statement-breakpoint
INSERT INTO "account_usage" ("user_id", "bytes")
  SELECT "users"."id", coalesce(sum(stored.bytes), 0) FROM "users" LEFT JOIN (
    SELECT "author_id" AS user_id, "public"."post_bytes"("title", "content") AS bytes FROM "posts"
    UNION ALL SELECT "user_id", "public"."replay_record_bytes"("answer") FROM "idempotency_keys"
  ) AS stored ON stored.user_id = "users"."id" GROUP BY "users"."id";
