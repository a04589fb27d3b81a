import { describe, expect, it } from "vitest";
import { nextId } from "../../../src/testing/fixtures.ts";
import {
  problemOf,
  type Client,
  type OpenRemoteApi,
  type Person,
  type PostBody,
  type Reply,
} from "../../support/api.ts";
import { PASSWORD } from "../../../src/testing/test-app.ts";

/** The clients of an operation. `owner` is the affected author, and `former` is a revoked session of the owner. */
const ACTORS = ["nobody", "owner", "other", "admin", "former"] as const;

type ActorName = (typeof ACTORS)[number];

interface World extends Record<ActorName, Client> {
  readonly owner: Person;
  readonly other: Person;
  readonly admin: Person;
  /** A user without published posts. */
  readonly hidden: Person;
  readonly published: PostBody;
  readonly draft: PostBody;
}

type Operation = (client: Client, world: World) => Promise<Reply>;

/** The expected response to each actor: the status, and the code of a problem. */
type Outcomes = readonly [nobody: string, owner: string, other: string, admin: string];

const LOG_IN = "401 authentication_required";
const FORBIDDEN = "403 forbidden";
const NO_POST = "404 post_not_found";
const NO_USER = "404 user_not_found";
const NO_PASSWORD = "422 current_password_required";
const LONG_AGO = "2019-05-01T08:00:00.000Z";

const PROOF = { currentPassword: PASSWORD };
const NEW_POST = { title: "A title", content: "Some content", status: "published" };
const newUser = () => ({ name: "Grace", email: `${nextId()}@example.org`, password: PASSWORD });

const post = ({ id }: PostBody) => `/v1/posts/${id}`;

const RIGHTS: readonly (readonly [string, Operation, Outcomes])[] = [
  ["read a published post", async (c, w) => c.get(post(w.published)), ["200", "200", "200", "200"]],
  ["read a draft", async (c, w) => c.get(post(w.draft)), [NO_POST, "200", NO_POST, "200"]],
  ["list posts", async (c) => c.get("/v1/posts"), ["200", "200", "200", "200"]],
  ["write a post", async (c) => c.post("/v1/posts", NEW_POST), [LOG_IN, "201", "201", "201"]],
  [
    "write a post with a past publishedAt",
    async (c) => c.post("/v1/posts", { ...NEW_POST, publishedAt: LONG_AGO }),
    [LOG_IN, FORBIDDEN, FORBIDDEN, "201"],
  ],
  [
    "edit a published post",
    async (c, w) => c.patch(post(w.published), { title: "T" }),
    [LOG_IN, "200", FORBIDDEN, "200"],
  ],
  ["edit a draft", async (c, w) => c.patch(post(w.draft), { title: "T" }), [LOG_IN, "200", NO_POST, "200"]],
  [
    "change publishedAt",
    async (c, w) => c.patch(post(w.published), { publishedAt: LONG_AGO }),
    [LOG_IN, FORBIDDEN, FORBIDDEN, "200"],
  ],
  ["publish a draft", async (c, w) => c.post(`${post(w.draft)}/publish`), [LOG_IN, "200", NO_POST, "200"]],
  [
    "unpublish a published post",
    async (c, w) => c.post(`${post(w.published)}/unpublish`),
    [LOG_IN, "200", FORBIDDEN, "200"],
  ],
  [
    "unpublish a draft",
    async (c, w) => c.post(`${post(w.draft)}/unpublish`),
    [LOG_IN, "409 post_not_published", NO_POST, "409 post_not_published"],
  ],
  ["delete a published post", async (c, w) => c.delete(post(w.published)), [LOG_IN, "204", FORBIDDEN, "204"]],
  ["delete a draft", async (c, w) => c.delete(post(w.draft)), [LOG_IN, "204", NO_POST, "204"]],

  ["list users", async (c) => c.get("/v1/users"), ["200", "200", "200", "200"]],
  ["read the own user", async (c) => c.get("/v1/users/me"), [LOG_IN, "200", "200", "200"]],
  ["read an author", async (c, w) => c.get(w.owner.path), ["200", "200", "200", "200"]],
  ["read a user without published posts", async (c, w) => c.get(w.hidden.path), [NO_USER, NO_USER, NO_USER, "200"]],
  ["list an author's posts", async (c, w) => c.get(`${w.owner.path}/posts`), ["200", "200", "200", "200"]],
  [
    "list the posts of a user without published posts",
    async (c, w) => c.get(`${w.hidden.path}/posts`),
    [NO_USER, NO_USER, NO_USER, "200"],
  ],
  ["register a user", async (c) => c.post("/v1/users", newUser()), ["201", "201", "201", "201"]],
  [
    "create a user with a role",
    async (c) => c.post("/v1/users", { ...newUser(), role: "author" }),
    [FORBIDDEN, FORBIDDEN, FORBIDDEN, "201"],
  ],
  ["rename an author", async (c, w) => c.patch(w.owner.path, { name: "N" }), [LOG_IN, "200", FORBIDDEN, "200"]],
  [
    "rename a user without published posts",
    async (c, w) => c.patch(w.hidden.path, { name: "N" }),
    [LOG_IN, NO_USER, NO_USER, "200"],
  ],
  ["change a role", async (c, w) => c.patch(w.owner.path, { role: "admin" }), [LOG_IN, FORBIDDEN, FORBIDDEN, "200"]],
  [
    "change an author's address without a password",
    async (c, w) => c.patch(w.owner.path, { email: newUser().email }),
    [LOG_IN, NO_PASSWORD, FORBIDDEN, "200"],
  ],
  [
    "change an author's address with the author's password",
    async (c, w) => c.patch(w.owner.path, { email: newUser().email, ...PROOF }),
    [LOG_IN, "200", FORBIDDEN, "200"],
  ],
  [
    "change an author's password without the current one",
    async (c, w) => c.put(`${w.owner.path}/password`, { newPassword: "another horse entirely" }),
    [LOG_IN, NO_PASSWORD, FORBIDDEN, "204"],
  ],
  [
    "change an author's password with the current one",
    async (c, w) => c.put(`${w.owner.path}/password`, { ...PROOF, newPassword: "another horse entirely" }),
    [LOG_IN, "204", FORBIDDEN, "204"],
  ],
  [
    "delete an author without a password",
    async (c, w) => c.delete(`${w.owner.path}?posts=delete`),
    [LOG_IN, NO_PASSWORD, FORBIDDEN, "204"],
  ],
  [
    "delete an author with the author's password",
    async (c, w) => c.delete(`${w.owner.path}?posts=delete`, {}, PROOF),
    [LOG_IN, "204", FORBIDDEN, "204"],
  ],
  [
    "reassign an author's posts to another",
    async (c, w) => c.delete(`${w.owner.path}?posts=reassign&to=${w.other.id}`, {}, PROOF),
    [LOG_IN, FORBIDDEN, FORBIDDEN, "204"],
  ],
  [
    "delete a user without published posts",
    async (c, w) => c.delete(w.hidden.path, {}, PROOF),
    [LOG_IN, NO_USER, NO_USER, "204"],
  ],

  ["list the own sessions", async (c) => c.get("/v1/sessions"), [LOG_IN, "200", "200", "200"]],
  ["log out", async (c) => c.delete("/v1/sessions"), [LOG_IN, "204", "204", "204"]],
  [
    "revoke an author's session",
    async (c, w) => c.delete(`/v1/sessions/${w.owner.sessionId}`),
    [LOG_IN, "204", "404 session_not_found", "404 session_not_found"],
  ],
];

/** The access rights. A rejected operation changes nothing, so the next actor uses the same storage; otherwise a new one. */
export function httpRights(open: OpenRemoteApi) {
  const openWorld = async (): Promise<World> => {
    const api = await open();
    const [owner, other, hidden] = [await api.author(), await api.author(), await api.author()];
    const admin = await api.admin();
    const former = await api.logIn(owner.email);
    await former.delete("/v1/sessions");
    await other.write({ status: "published" });
    const [published, draft] = [await owner.write({ status: "published" }), await owner.write()];
    return { nobody: api.nobody, owner, other, hidden, admin, former, published, draft };
  };

  const outcomeOf = (reply: Reply) => (reply.status < 400 ? String(reply.status) : problemOf(reply));

  const expectOutcomes = async (operation: Operation, outcomes: Outcomes) => {
    const answered: string[] = [];
    let world: World | null = null;
    for (const actor of ACTORS) {
      world ??= await openWorld();
      const reply: Reply = await operation(world[actor], world);
      answered.push(`${actor}: ${outcomeOf(reply)}`);
      if (reply.status < 400) world = null;
    }
    const expected = [...outcomes, "401 invalid_session"];
    expect(answered).toEqual(ACTORS.map((actor, index) => `${actor}: ${expected[index]}`));
  };

  describe("the rights of guests, the author, another author, an admin and a revoked session", () => {
    it.each(RIGHTS)("match the table for the operation: %s", async (_, operation, outcomes) =>
      expectOutcomes(operation, outcomes),
    );
  });
}
