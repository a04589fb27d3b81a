import { createClient, excerptParts, type Failure, type ListedPost, type Result } from "quire-api/client";

const token = sessionStorage.getItem("token");
const { api: url = location.origin } = document.documentElement.dataset;
const quire = createClient({ url, token, retryForMs: 2000 }); // The page does not wait for a restart of the server.
const find = (id: string) => document.getElementById(id) as HTMLElement;
const view = find("view");
function make(tag: string, properties: object, ...children: (Node | string)[]): HTMLElement {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function showProblem({ code, detail, errors = [] }: Failure, place = find("problem")): void {
  if (code === "invalid_session") find("log-out").click();
  place.textContent = errors.map((error) => `${error.pointer.slice(1)}: ${error.detail}`).join(" ") || detail;
}

/** Shows the posts that a text finds, or all. `signal` ends it when the text changes: the page searches as the user types. */
async function showPosts(q: string, signal = new AbortController().signal): Promise<void> {
  const query = { limit: 10, include: "author", ...(q !== "" && { q }) } as const;
  let count = 0;
  for await (const post of quire.posts.list(query, { signal })) {
    if (signal.aborted) return;
    if (!post.ok) return showProblem(post.error);
    if (count > 0 && count % 10 === 0) await press(find("more"), signal);
    if (count++ === 0) view.replaceChildren();
    const { id, title, content, excerpt } = post.value;
    const parts = excerpt === undefined ? [{ text: content.slice(0, 200), isMatch: false }] : excerptParts(excerpt);
    const text = parts.map((part) => make(part.isMatch ? "mark" : "span", {}, part.text));
    view.append(make("article", {}, heading(make("a", { href: `?post=${id}` }, title), post.value), ...text));
  }
  if (count === 0) view.replaceChildren("No posts found.");
}

let typing = new AbortController();
find("q").oninput = async ({ target }) => {
  typing.abort();
  typing = new AbortController();
  const { value } = target as HTMLInputElement;
  history.replaceState(null, "", `?q=${encodeURIComponent(value)}`);
  find("more").hidden = find("publish").hidden = true;
  find("problem").textContent = "";
  await showPosts(value.trim(), typing.signal);
};

async function showPost(id: string): Promise<void> {
  const post = await quire.posts.get(id, { include: "author" });
  if (!post.ok) return showProblem(post.error);
  const { title, content, status } = post.value;
  view.append(heading(title, post.value), make("section", { style: "white-space: pre-wrap" }, content));
  if (status === "published") return;
  await press(find("publish"));
  const published = await quire.posts.publish(post.value);
  if (published.ok) location.reload();
  else showProblem(published.error);
}

function heading(title: Node | string, { author, publishedAt }: ListedPost): HTMLElement {
  const day = publishedAt === null ? "Draft" : new Date(publishedAt).toLocaleDateString("en", { dateStyle: "long" });
  return make("hgroup", {}, make("h2", {}, title), make("p", {}, author ? `${author.name}, ${day}` : day));
}

async function press(button: HTMLElement, signal = new AbortController().signal): Promise<void> {
  button.hidden = false;
  await new Promise((resolve) => button.addEventListener("click", resolve, { once: true, signal }));
  button.hidden = true;
}

/** Sends the form of a dialog, and shows the error if it fails. */
function onSubmit(name: string, send: (fields: Record<string, string>) => Promise<Result<unknown, Failure>>): void {
  find(`${name}-dialog`).onsubmit = async (event) => {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    form.inert = true;
    const result = await send(Object.fromEntries(new FormData(form)) as Record<string, string>);
    form.inert = false;
    if (!result.ok) showProblem(result.error, find(`${name}-problem`));
  };
}

onSubmit("log-in", async ({ email = "", password = "" }) => {
  const session = await quire.logIn({ email, password });
  if (session.ok) sessionStorage.setItem("token", session.value.token);
  if (session.ok) location.reload();
  return session;
});
onSubmit("write", async ({ title = "", content = "" }) => {
  const post = await quire.posts.create({ title, content });
  if (post.ok) location.search = `post=${post.value.id}`;
  return post;
});
find("log-out").onclick = async () => {
  await quire.logOut();
  sessionStorage.clear();
  location.reload();
};
const { post, q = "" } = Object.fromEntries(new URLSearchParams(location.search));
(find("q") as HTMLInputElement).value = q;
find("log-in").hidden = token !== null;
find("write").hidden = find("log-out").hidden = token === null;
await (post === undefined ? showPosts(q, typing.signal) : showPost(post));
