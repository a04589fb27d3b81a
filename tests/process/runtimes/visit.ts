import { createClient, type Result } from "quire-api/client";

/**
 * Uses the client as a program does, and returns the results as JSON. All runtimes run it, so it uses no API of one runtime.
 *
 * @param elsewhere Another server, which is not Quire. It does not answer below /silent, and redirects below /moved.
 */
export async function visit(url: string, elsewhere: string) {
  const sent: Request[] = [];
  const answers: Response[] = [];
  let loses = false;
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    sent.push(request.clone());
    const answer = await globalThis.fetch(request);
    answers.push(answer);
    if (!loses) return answer;
    loses = false;
    throw new TypeError("The connection was lost before the response arrived.");
  };
  const quire = createClient({ url, fetch });
  const header = (name: string) => answers.at(-1)?.headers.get(name) ?? null;

  const account = { email: `ada-${sent.length}-${Date.now()}@example.org`, password: "correct horse" };
  const { id, role } = valueOf(await quire.users.register({ name: "Ada", ...account }));
  valueOf(await quire.logIn(account));

  const first = valueOf(await quire.posts.create({ title: "1", content: "…" }));
  const edited = valueOf(await quire.posts.update(first, { title: "One" }));
  const etag = header("ETag");
  const lateEdit = codeOf(await quire.posts.update(first, { title: "Uno" }));
  const lateDelete = codeOf(await quire.posts.delete(first));
  for (const title of ["Two", "Three", "Four"]) valueOf(await quire.posts.create({ title, content: "…" }));

  loses = true;
  sent.length = 0;
  valueOf(await quire.posts.create({ title: "Five", content: "…" }));
  const keys = sent.map(({ headers }) => headers.get("Idempotency-Key"));
  const replayed = header("Idempotency-Replayed");

  sent.length = 0;
  const titles: string[] = [];
  for await (const post of quire.users.posts(id, { limit: 2 })) titles.push(valueOf(post).title);
  const pages = sent.length;
  const link = header("Link");

  sent.length = 0;
  for await (const post of quire.users.posts(id, { limit: 2 })) if (valueOf(post).title === "Four") break;
  const pagesUntilLeft = sent.length;

  const wrong = await quire.posts.create({ title: "", content: "…" });
  const fields = !wrong.ok && wrong.error.code === "validation_failed" ? wrong.error.errors : [];

  valueOf(await quire.logOut());
  const loggedOut = codeOf(await quire.posts.create({ title: "Six", content: "…" }));
  let logIn = "no error";
  while (logIn !== "rate_limited") logIn = codeOf(await quire.logIn({ ...account, password: "wrong horse" }));
  const retryAfter = header("Retry-After");
  const unreachable = codeOf(await createClient({ url: "http://127.0.0.1:1", retryForMs: 500 }).posts.get(first.id));
  const silent = createClient({ url: `${elsewhere}/silent`, timeoutMs: 100 });
  const tooLate = codeOf(await silent.posts.delete(first));
  const aborted = codeOf(await silent.posts.page({}, { signal: AbortSignal.timeout(50) }));
  const redirected = codeOf(await createClient({ url: `${elsewhere}/moved` }).posts.delete(first));

  return {
    role,
    edited: `${edited.version} ${edited.title}`,
    lateEdit,
    lateDelete,
    sentWithKey: keys.length,
    differentKeys: new Set(keys).size,
    titles,
    pages,
    pagesUntilLeft,
    fields: fields.map(({ in: part, pointer, code }) => `${part} ${pointer} ${code}`),
    loggedOut,
    unreachable,
    aborted,
    tooLate,
    redirected,
    headers: { etag, replayed, link, retryAfter },
  };
}

function valueOf<T>(result: Result<T, { readonly code: string }>): T {
  if (result.ok) return result.value;
  throw new Error(`The call failed: ${JSON.stringify(result.error)}`);
}

function codeOf(result: Result<unknown, { readonly code: string }>): string {
  return result.ok ? "no error" : result.error.code;
}
