-- A record is found by the digest of its key alone. An index less makes a keyed request cheaper.
-- Contracts: before 0009_replay_record_key: an older program stores an id with each record.
-- Blocks: requests with an idempotency key wait until this transaction ends.
ALTER TABLE "idempotency_keys" DROP CONSTRAINT "idempotency_keys_pkey";--> statement-breakpoint
-- Contracts: as above. Blocks: as above.
ALTER TABLE "idempotency_keys" DROP CONSTRAINT "idempotency_keys_digest_unique";--> statement-breakpoint
-- Contracts: as above. Blocks: as above. No row is rewritten.
ALTER TABLE "idempotency_keys" DROP COLUMN "id";--> statement-breakpoint
-- Blocks: as above, which takes 3 s for a million records.
ALTER TABLE "idempotency_keys" ADD CONSTRAINT "idempotency_keys_pkey" PRIMARY KEY("key_digest");
--> statement-breakpoint
-- A trigger for each statement runs with every insert that may replace an expired record. One for each row runs only if it does.
-- Contracts: programs need only that the bytes are counted.
DROP TRIGGER "idempotency_keys_count_updates" ON "idempotency_keys";--> statement-breakpoint
CREATE OR REPLACE FUNCTION "public"."count_replay_records"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM "public"."add_account_usage"(array_agg(user_id), array_agg(bytes)) FROM (
      SELECT user_id, sum("public"."replay_record_bytes"(answer))::bigint AS bytes FROM new_rows GROUP BY user_id
    ) AS change HAVING count(*) > 0;
  ELSE
    PERFORM "public"."add_account_usage"(array_agg(user_id), array_agg(bytes)) FROM (
      SELECT user_id, (-sum("public"."replay_record_bytes"(answer)))::bigint AS bytes FROM old_rows GROUP BY user_id
    ) AS change HAVING count(*) > 0;
  END IF;
  RETURN NULL;
END $$;--> statement-breakpoint
CREATE FUNCTION "public"."count_replaced_record"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM "public"."add_account_usage"(ARRAY[OLD.user_id], ARRAY[-"public"."replay_record_bytes"(OLD.answer)]);
  PERFORM "public"."add_account_usage"(ARRAY[NEW.user_id], ARRAY["public"."replay_record_bytes"(NEW.answer)]);
  RETURN NULL;
END $$;--> statement-breakpoint
-- Blocks: as above.
CREATE TRIGGER "idempotency_keys_count_updates" AFTER UPDATE ON "idempotency_keys" FOR EACH ROW
  EXECUTE FUNCTION "public"."count_replaced_record"();
