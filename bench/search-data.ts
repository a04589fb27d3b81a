import { openEmbeddedDatabase } from "../src/infrastructure/pglite/embedded-database.ts";
import { migratedStorage } from "../src/infrastructure/pglite/storage.ts";
import { pino } from "pino";

/** The number of different words, of which the n-th is used in proportion to 1 / n (Zipf). */
const WORDS = 20_000;
const [CONSONANTS, VOWELS] = ["bcdfghjklmnprstvz", "aeiou"];
const POSTS_AT_ONCE = 500;

/** The n-th most frequent word of an artificial language. */
export function word(n: number): string {
  let syllables = "";
  let rest = n + CONSONANTS.length;
  do {
    syllables += `${CONSONANTS[rest % CONSONANTS.length]}${VOWELS[(rest * 7) % VOWELS.length]}`;
    rest = Math.floor(rest / CONSONANTS.length);
  } while (rest > 0);
  return n % 3 === 0 ? syllables : `${syllables}${CONSONANTS[n % CONSONANTS.length]}`;
}

const SHARES = new Float64Array(WORDS);
let sum = 0;
for (let n = 0; n < WORDS; n++) SHARES[n] = sum += 1 / (n + 2.7) ** 1.07;

function randomWord(): string {
  const share = Math.random() * sum;
  let [low, high] = [0, WORDS - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((SHARES[middle] ?? 0) < share) low = middle + 1;
    else high = middle;
  }
  return word(low);
}

/** A text of words in the proportions of a natural language. */
export function text(words: number): string {
  return Array.from({ length: words }, randomWord).join(" ");
}

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
  const options = { freeSpaceBytes: 0, statementDeadlineMs: 60_000, log: pino({ level: "warn" }) };
  const postgres = await openEmbeddedDatabase({ ...options, directory, durability: "relaxed" });
  const { client, close } = postgres._unsafeUnwrap();
  const times: number[] = [];
  const timed: typeof client = {
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
  for (let n = 0; n < posts; n += POSTS_AT_ONCE) {
    const next = Array.from(
      { length: POSTS_AT_ONCE },
      (): Written => hostile.pop() ?? { title: text(5), content: text(150), status: "published" },
    );
    await client.query(
      `insert into posts (id, title, content, author_id, status, published_at, version, created_at, updated_at)
        select uuidv7(), given.title, given.content, id, given.status, case when given.status = 'published' then now() end, 1, now(), now()
        from users, unnest($1::text[], $2::text[], $3::text[]) as given (title, content, status)`,
      [next.map(({ title }) => title), next.map(({ content }) => content), next.map(({ status }) => status)],
    );
  }
}
