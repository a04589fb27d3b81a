import { client } from "../generated/hey-api/client.gen.ts";
import {
  createPost,
  deletePost,
  getPost,
  listPosts,
  logIn,
  publishPost,
  registerUser,
  updatePost,
} from "../generated/hey-api/sdk.gen.ts";
import { baseUrl, CREDENTIALS, report } from "./flow.ts";

client.setConfig({ baseUrl });

const registered = await registerUser({ body: { ...CREDENTIALS, name: "Ada" } });
const loggedIn = await logIn({ body: CREDENTIALS });
client.setConfig({ auth: () => loggedIn.data?.token });
const created = await createPost({
  body: { title: "Otters", content: "Words about otters." },
  headers: { "Idempotency-Key": crypto.randomUUID() },
});
const path = { id: created.data?.id ?? "" };
const published = await publishPost({ path });
const found = await listPosts({ query: { q: "otters", count: true, fields: ["title", "status"], limit: 5 } });
const headers = { "If-Match": '"2"' };
const edited = await updatePost({ path, headers, body: { title: "More otters" } });
const stale = await updatePost({ path, headers, body: { title: "Lost update" } });
const deleted = await deletePost({ path });
const gone = await getPost({ path });

report({
  statuses: [registered, loggedIn, created, published, found, edited, stale, deleted, gone].map(
    ({ response }) => response?.status,
  ),
  total: found.data?.total,
  title: edited.data?.title,
  code: stale.error?.code,
});
