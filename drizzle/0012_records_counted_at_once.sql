-- New records are counted by one query: to call "add_account_usage" takes a second one. The statement that inserts them has
-- locked the rows of their accounts already, in the order of their ids.
-- Contracts: programs need only that the bytes are counted.
CREATE OR REPLACE FUNCTION "public"."count_replay_records"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    UPDATE "public"."account_usage" AS usage SET bytes = usage.bytes + change.bytes FROM (
      SELECT user_id, sum("public"."replay_record_bytes"(answer))::bigint AS bytes FROM new_rows GROUP BY user_id
    ) AS change WHERE usage.user_id = change.user_id;
  ELSE
    PERFORM "public"."add_account_usage"(array_agg(user_id), array_agg(bytes)) FROM (
      SELECT user_id, (-sum("public"."replay_record_bytes"(answer)))::bigint AS bytes FROM old_rows GROUP BY user_id
    ) AS change HAVING count(*) > 0;
  END IF;
  RETURN NULL;
END $$;
