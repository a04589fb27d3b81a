export const JSON_HEADERS = { "Content-Type": "application/json" };

/** Registers a user and logs in. Returns the token of the session. */
export async function registerAndLogIn(url: string): Promise<string> {
  const credentials = { email: "ada@example.org", password: "correct horse" };
  const post = async (path: string, body: object) =>
    fetch(`${url}${path}`, { method: "POST", headers: JSON_HEADERS, body: JSON.stringify(body) });
  await post("/v1/users", { name: "Ada", ...credentials });
  const session = await post("/v1/sessions", credentials);
  return ((await session.json()) as { token: string }).token;
}
