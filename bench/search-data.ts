import type { DrizzleClient } from "../src/infrastructure/pglite/client/client.ts";
import { QUIRE_SCHEMA } from "../src/infrastructure/pglite/quire-schema.ts";
import { openEmbeddedDatabase } from "../src/infrastructure/pglite/embedded-database.ts";
import { migratedStorage } from "../src/infrastructure/pglite/storage.ts";
import { pino } from "pino";
import { text } from "./prose.ts";
import { seededRandom } from "./random.ts";

const POSTS_AT_ONCE = 500;

/** A word that only the hostile posts have, and all of them. */
export const HOSTILE_WORD = "abracadabra";

interface Written {
  readonly title: string;
  readonly content: string;
  readonly status: "draft" | "published";
}

/** The texts of a hostile client: they are the oldest posts, so that no search is warned of them by the newest. */
function hostilePosts(count: number): readonly Written[] {
  const short = Array.from({ length: 20_000 }, (_, n) => n.toString(36)).join(" ");
  return Array.from({ length: count }, (_, n): Written => {
    const status = n % 2 === 0 ? "published" : "draft";
    if (n % 1_000 === 0) return { title: "Short words", content: short, status };
    return { title: `${HOSTILE_WORD} ${HOSTILE_WORD}x`, content: `${HOSTILE_WORD} `.repeat(20), status };
  });
}

/** Opens a data directory, with the adapters on it. */
export async function openSearchData(directory: string) {
  const options = {
    freeSpaceBytes: 0,
    statementDeadlineMs: 60_000,
    schema: QUIRE_SCHEMA,
    log: pino({ level: "warn" }),
  };
  const postgres = await openEmbeddedDatabase({ ...options, directory, durability: "relaxed" });
  const { client, close } = postgres._unsafeUnwrap();
  const times: number[] = [];
  const timed: DrizzleClient = {
    query: async (...statement) => {
      const startedAt = performance.now();
      return client.query<never>(...statement).finally(() => times.push(performance.now() - startedAt));
    },
    transaction: async (work) => client.transaction(work),
  };
  const storage = (await migratedStorage(timed, "drizzle"))._unsafeUnwrap();
  return { storage, client, close, times };
}

/** Fills an empty database with posts of 1 KB, a tenth of them hostile, without their index. */
export async function fillSearchData(client: Awaited<ReturnType<typeof openSearchData>>["client"], posts: number) {
  await client.query("insert into users select uuidv7(), 'Ada', 'a', 'a', 'hash', 'author', 1, now(), now()");
  const hostile = [...hostilePosts(posts / 10)];
  const random = seededRandom(1);
  for (let n = 0; n < posts; n += POSTS_AT_ONCE) {
    const next = Array.from(
      { length: POSTS_AT_ONCE },
      (): Written => hostile.pop() ?? { title: text(5, random), content: text(150, random), status: "published" },
    );
    await client.query(
      `insert into posts (id, title, content, author_id, status, published_at, version, created_at, updated_at)
        select uuidv7(), given.title, given.content, id, given.status, case when given.status = 'published' then now() end, 1, now(), now()
        from users, unnest($1::text[], $2::text[], $3::text[]) as given (title, content, status)`,
      [next.map(({ title }) => title), next.map(({ content }) => content), next.map(({ status }) => status)],
    );
  }
}
