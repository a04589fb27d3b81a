import type { PostId } from "../src/domain/id.ts";
import { encodeCursor } from "../src/interfaces/http/cursor.ts";
import { DATA_SET, postId } from "./data-set.ts";

const PAGE = 20;

export interface Creation {
  readonly path: string;
  readonly body: object;
}

/** How a contender is asked for what all of them do. Posts have numbers here, from 1 on; what is a string is a path. */
export interface Api {
  readonly token: string;
  post(number: number): string;
  readonly firstPage: string;
  readonly firstPageWithAuthors: string;
  /** The page of the posts that are older than that of a number. */
  pageBefore(number: number): string;
  create(status: "published" | "draft"): Creation;
  /** The post that the answer to `create` was about, as its author asks for it. */
  draft(answer: unknown): string;
}

const FIELDS = { title: "A post", content: DATA_SET.content };

/** That of Quire, which those that are written for the benchmark take over. */
export const PLAIN_API: Api = {
  token: DATA_SET.token,
  post: (number) => `/v1/posts/${postId(number)}`,
  firstPage: "/v1/posts",
  firstPageWithAuthors: "/v1/posts?include=author",
  pageBefore: (number) => `/v1/posts?cursor=${postId(number)}`,
  create: (status) => ({ path: "/v1/posts", body: { ...FIELDS, status } }),
  draft: (answer) => `/v1/posts/${(answer as { readonly id: string }).id}`,
};

export const QUIRE_API: Api = {
  ...PLAIN_API,
  firstPage: `/v1/posts?limit=${PAGE}`,
  firstPageWithAuthors: `/v1/posts?limit=${PAGE}&include=author`,
  pageBefore: (number) => `/v1/posts?limit=${PAGE}&cursor=${encodeCursor("posts", postId(number) as PostId)}`,
};
