import type { PostId } from "../src/domain/shared/id.ts";
import { encodeCursor } from "../src/interfaces/http/cursor.ts";
import { postListName, toListQuery } from "../src/interfaces/http/routes/posts/post-query.ts";
import { DATA_SET, postId, WRITTEN } from "./data-set.ts";

const PAGE = 20;

export interface Creation {
  readonly path: string;
  readonly body: object;
}

/** The requests of the benchmark, as a contender spells them. Posts are numbered from 1; strings are paths. */
export interface Api {
  readonly token: string;
  post(number: number): string;
  readonly firstPage: string;
  readonly firstPageWithAuthors: string;
  /** The page of posts older than the post of this number. */
  pageBefore(number: number): string;
  /** The best posts that have this word, with excerpts; absent without this feature. */
  readonly search?: (word: string) => string;
  create(status: "published" | "draft"): Creation;
  /** The path of the draft that the response to `create` describes. */
  draft(answer: unknown): string;
}

const FIELDS = { title: "A post", content: WRITTEN };

/** The API of Quire; the contenders that are written for the benchmark have the same. */
export const PLAIN_API: Api = {
  token: DATA_SET.token,
  post: (number) => `/v1/posts/${postId(number)}`,
  firstPage: "/v1/posts",
  firstPageWithAuthors: "/v1/posts?include=author",
  pageBefore: (number) => `/v1/posts?cursor=${postId(number)}`,
  create: (status) => ({ path: "/v1/posts", body: { ...FIELDS, status } }),
  draft: (answer) => `/v1/posts/${(answer as { readonly id: string }).id}`,
};

/** The same with a search. */
export const SEARCHING_API: Api = { ...PLAIN_API, search: (word) => `/v1/posts?q=${word}` };

export const QUIRE_API: Api = {
  ...PLAIN_API,
  firstPage: `/v1/posts?limit=${PAGE}`,
  firstPageWithAuthors: `/v1/posts?limit=${PAGE}&include=author`,
  search: (word) => `/v1/posts?limit=${PAGE}&q=${word}`,
  pageBefore: (number) =>
    `/v1/posts?limit=${PAGE}&cursor=${encodeCursor(postListName("posts", toListQuery({})), { direction: "forward", key: null, id: postId(number) as PostId })}`,
};

/** The products use numbered pages. Their requests turn off the total, because no other contender counts. */
function pageNumber(before: number): number {
  return 1 + Math.floor((DATA_SET.posts - before + 1) / PAGE);
}

/** Without `sort`, a list of Strapi has no order. The sort by id has an index. */
export function strapiApi(token: string): Api {
  const list = `/api/posts?sort=id:desc&pagination[withCount]=false&pagination[pageSize]=${PAGE}`;
  return {
    token,
    post: (number) => `/api/posts/${number.toString(16).padStart(24, "0")}`,
    firstPage: list,
    firstPageWithAuthors: `${list}&populate[author][fields][0]=username`,
    pageBefore: (number) => `${list}&pagination[page]=${pageNumber(number)}`,
    create: (status) => ({ path: `/api/posts?status=${status}`, body: { data: FIELDS } }),
    draft: (answer) => {
      const { data } = answer as { readonly data: { readonly documentId: string } };
      return `/api/posts/${data.documentId}?status=draft`;
    },
  };
}

/** Payload lists the newest first. With a depth above 0 it includes the author of each post. */
export function payloadApi(token: string): Api {
  const list = `/api/posts?pagination=false&limit=${PAGE}`;
  return {
    token,
    post: (number) => `/api/posts/${number}?depth=0`,
    firstPage: `${list}&depth=0`,
    firstPageWithAuthors: `${list}&depth=1`,
    pageBefore: (number) => `${list}&depth=0&page=${pageNumber(number)}`,
    create: (status) => ({ path: "/api/posts?depth=0", body: { ...FIELDS, _status: status } }),
    draft: (answer) => {
      const { doc } = answer as { readonly doc: { readonly id: number } };
      return `/api/posts/${doc.id}?depth=0`;
    },
  };
}
