import { isStoredContent, isStoredTitle, restorePost } from "../../../domain/post/post.ts";
import { NIL_ID, parseId, type PostId, type UserId } from "../../../domain/shared/id.ts";
import { parseVersion } from "../../../domain/shared/version.ts";
import type { Query } from "../backup/scratch-engine.ts";
import { damagedCheck, passed, type CheckResult } from "./report.ts";

const RESTORE = "Restore a proven backup: quire restore --from <backup> --to <new directory>.";

/** The maximum number of posts of a statement: the longest ones take 16 MiB. */
const MAX_BATCH_POSTS = 16;

const POST_ROWS = `select id::text, title, content, author_id::text, version::text,
  (extract(epoch from created_at) * 1000)::bigint::text, (extract(epoch from updated_at) * 1000)::bigint::text,
  (extract(epoch from published_at) * 1000)::bigint::text
  from posts where id > $1::uuid order by id limit ${MAX_BATCH_POSTS}`;

/** Reads every post as the program does, by the rules of the domain. */
export async function checkPosts(query: Query): Promise<CheckResult> {
  const faults: string[] = [];
  let count = 0;
  for (let last: string | null = NIL_ID; last !== null;) {
    const { rows } = await query(POST_ROWS, [last]);
    count += rows.length;
    faults.push(...rows.flatMap((row) => faultOf(row) ?? []));
    last = rows.at(-1)?.[0] ?? null;
  }
  if (faults.length > 0) return damagedCheck("posts", faults, RESTORE);
  return passed(
    "posts",
    `${count.toLocaleString("en")} ${count === 1 ? "post satisfies" : "posts satisfy"} the rules of the program`,
  );
}

/** Why a row is no post; `null` if it is one. */
function faultOf(row: readonly (string | null)[]): string | null {
  const [id, title, content, authorId, version, createdAt, updatedAt, publishedAt] = row;
  const fault = (detail: string) => `post ${id}: ${detail}`;
  const parsed = parseId<PostId>(id ?? "");
  const author = parseId<UserId>(authorId ?? "");
  const number = parseVersion(Number(version));
  if (parsed.isErr() || author.isErr() || number === null) return fault("its id, author or version is invalid");
  if (title === null || title === undefined || !isStoredTitle(title)) return fault("its title is invalid");
  if (content === null || content === undefined || !isStoredContent(content)) return fault("its content is invalid");
  if (Number(updatedAt) < Number(createdAt)) return fault("it was updated before it was created");
  return restorePost({
    id: parsed.value,
    authorId: author.value,
    title,
    content,
    version: number,
    createdAt: new Date(Number(createdAt)),
    updatedAt: new Date(Number(updatedAt)),
    publishedAt: publishedAt === null || publishedAt === undefined ? null : new Date(Number(publishedAt)),
  }).match(
    () => null,
    ({ kind }) => fault(`a published post breaks the rule ${kind}`),
  );
}

const USAGE = `with counted as (
    select user_id, sum(bytes)::bigint as bytes from (
      select author_id as user_id, public.post_bytes(title, content) as bytes from posts
      union all select user_id, public.replay_record_bytes(answer) from idempotency_keys) as stored group by user_id)
  select u.user_id::text, u.bytes::text, coalesce(c.bytes, 0)::text from account_usage u left join counted c using (user_id)
  where u.bytes <> coalesce(c.bytes, 0) order by 1`;

/** The bytes that triggers have counted for the quota of each account. */
export async function checkUsage(query: Query): Promise<CheckResult> {
  const { rows } = await query(USAGE);
  const faults = rows.map(([user, counted, stored]) => `user ${user}: counted ${counted} bytes, stores ${stored}`);
  if (faults.length === 0) return passed("quotas", "the counted bytes of every account are those of its rows");
  return damagedCheck(
    "quotas",
    faults,
    "The data itself is intact. Restore a proven backup, or report this as a defect.",
  );
}
