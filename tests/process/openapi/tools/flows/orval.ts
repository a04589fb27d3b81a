import {
  createPost,
  deletePost,
  getPost,
  listPosts,
  logIn,
  publishPost,
  registerUser,
  updatePost,
} from "../generated/orval.ts";
import { CREDENTIALS, report } from "./flow.ts";

const registered = await registerUser({ ...CREDENTIALS, name: "Ada" });
const loggedIn = await logIn(CREDENTIALS);
if (loggedIn.status !== 201) throw new Error("The log-in failed.");
const headers = { Authorization: `Bearer ${loggedIn.data.token}` };
const created = await createPost({ title: "Otters", content: "Words about otters." }, { headers });
if (created.status !== 201) throw new Error("The post was not created.");
const { id } = created.data;
const published = await publishPost(id, { headers });
const found = await listPosts({ q: "otters", count: true, fields: ["title", "status"], limit: 5 });
const guarded = { headers: { ...headers, "If-Match": '"2"' } };
const edited = await updatePost(id, { title: "More otters" }, guarded);
const stale = await updatePost(id, { title: "Lost update" }, guarded);
const deleted = await deletePost(id, { headers });
const gone = await getPost(id, undefined, { headers });

report({
  statuses: [registered, loggedIn, created, published, found, edited, stale, deleted, gone].map(({ status }) => status),
  total: found.status === 200 ? found.data.total : undefined,
  title: edited.status === 200 ? edited.data.title : undefined,
  code: stale.status === 412 ? stale.data.code : undefined,
});
