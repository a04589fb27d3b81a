/** Each takes about 10 ms; more of them bring less than they delay the start. */
const ROUNDS = 3;
/** As many as are asked for together, so that what is shared among them is warm too. */
const TOGETHER = 10;
const NOBODYS_POST = "/v1/posts/00000000-0000-7000-8000-000000000000";
const NOBODYS_TOKEN = { Authorization: "Bearer nobody" };

/**
 * Asks an app what clients ask most before they do: the first requests after a start take several times as long as those
 * after them, as PostgreSQL has to prepare each statement and V8 to compile each function.
 */
export async function warmUp(
  request: (path: string, init?: RequestInit) => Response | Promise<Response>,
): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    const list = await request("/v1/posts");
    const { items } = (await list.json()) as { readonly items?: readonly { readonly id: string }[] };
    const paths = (items ?? []).slice(0, TOGETHER).map(({ id }) => `/v1/posts/${id}`);
    const asked = [...paths, NOBODYS_POST].map(async (path) => request(path));
    const answers = await Promise.all([...asked, request(NOBODYS_POST, { headers: NOBODYS_TOKEN })]);
    await Promise.all(answers.map(async (answer) => answer.arrayBuffer()));
  }
}
