import type { Person, Reply } from "../../support/api.ts";

/** The body of a post that is created once. */
export const POST = { title: "Once", content: "And only once." };

/** A new key, as a header. */
export const aKey = () => ({ "Idempotency-Key": `"${crypto.randomUUID()}"` });

export const isReplayed = ({ headers }: Reply) => headers.get("Idempotency-Replayed") === "true";

/** The headers that may differ between a response and its replay. */
const VARYING_HEADERS = new Set(["x-request-id", "idempotency-replayed", "server-timing"]);

/** The part of a response that a replay must repeat. */
export function replayable({ status, headers, text }: Reply) {
  return { status, text, headers: [...headers].filter(([name]) => !VARYING_HEADERS.has(name)) };
}

export function idOf({ body }: Reply): string {
  return (body as { readonly id: string }).id;
}

/** The number of posts of an author, at most 100. */
export async function countPosts(author: Person): Promise<number> {
  return ((await author.get(`${author.path}/posts?limit=100`)).body as { items: readonly unknown[] }).items.length;
}
