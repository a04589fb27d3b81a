import createClient from "openapi-fetch";
import type { paths } from "../generated/openapi-typescript.ts";
import { baseUrl, CREDENTIALS, report } from "./flow.ts";

const client = createClient<paths>({ baseUrl });
const body = { ...CREDENTIALS };

const registered = await client.POST("/v1/users", { body: { ...body, name: "Ada" } });
const loggedIn = await client.POST("/v1/sessions", { body });
client.use({
  onRequest: ({ request }) => {
    request.headers.set("Authorization", `Bearer ${loggedIn.data?.token}`);
    return request;
  },
});
const created = await client.POST("/v1/posts", {
  body: { title: "Otters", content: "Words about otters.", status: "draft" },
  params: { header: { "Idempotency-Key": crypto.randomUUID() } },
});
const id = created.data?.id ?? "";
const path = { id };
const published = await client.POST("/v1/posts/{id}/publish", { params: { path } });
const found = await client.GET("/v1/posts", {
  params: { query: { q: "otters", count: true, fields: ["title", "status"], limit: 5 } },
});
const edited = await client.PATCH("/v1/posts/{id}", {
  params: { path, header: { "If-Match": '"2"' } },
  body: { title: "More otters" },
});
const stale = await client.PATCH("/v1/posts/{id}", {
  params: { path, header: { "If-Match": '"2"' } },
  body: { title: "Lost update" },
});
const code: "precondition_failed" | undefined =
  stale.response.status === 412 ? (stale.error as { code: "precondition_failed" }).code : undefined;
const deleted = await client.DELETE("/v1/posts/{id}", { params: { path } });
const gone = await client.GET("/v1/posts/{id}", { params: { path } });

report({
  statuses: [registered, loggedIn, created, published, found, edited, stale, deleted, gone].map(
    ({ response }) => response.status,
  ),
  total: found.data?.total,
  title: edited.data?.title,
  code,
});
