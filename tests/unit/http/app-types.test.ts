import { hc, type InferRequestType, type InferResponseType } from "hono/client";
import { describe, expectTypeOf, it } from "vitest";
import type { App } from "../../../src/interfaces/http/app.ts";

const { posts, sessions, users } = hc<App>("http://localhost").v1;

describe("the type of the app", () => {
  it("has the body of each answer by its status", () => {
    expectTypeOf<InferResponseType<(typeof posts)[":id"]["$get"], 200>>().toEqualTypeOf<{
      id: string;
      title?: string | undefined;
      content?: string | undefined;
      status?: "draft" | "published" | undefined;
      authorId?: string | undefined;
      publishedAt?: string | null | undefined;
      version?: number | undefined;
      createdAt?: string | undefined;
      updatedAt?: string | undefined;
      author?: { id: string; name: string } | null;
    }>();
    expectTypeOf<InferResponseType<(typeof users)[":id"]["$delete"], 204>>().toEqualTypeOf<null>();
    expectTypeOf<InferResponseType<(typeof sessions)["$post"], 201>["token"]>().toEqualTypeOf<string>();
    expectTypeOf<InferResponseType<(typeof users)["$get"], 200>["nextCursor"]>().toEqualTypeOf<string | null>();
  });

  it("has the problem codes of an operation", () => {
    expectTypeOf<InferResponseType<(typeof posts)[":id"]["$get"], 404>["code"]>().toEqualTypeOf<"post_not_found">();
    expectTypeOf<InferResponseType<(typeof users)["$post"], 409>["code"]>().toEqualTypeOf<
      "email_taken" | "idempotency_key_in_use"
    >();
  });

  it("has the inputs that the schemas require", () => {
    expectTypeOf<InferRequestType<(typeof posts)["$post"]>>().toEqualTypeOf<{
      json: { title: string; content: string; status?: "draft" | "published" | undefined; publishedAt?: string };
    }>();
    expectTypeOf<InferRequestType<(typeof posts)[":id"]["$patch"]>>().toEqualTypeOf<
      { param: { id: string } } & { json: { title?: string; content?: string; publishedAt?: string } }
    >();
  });
});
