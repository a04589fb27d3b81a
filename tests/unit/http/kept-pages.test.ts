import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import type { Version } from "../../../src/domain/shared/version.ts";
import { openMemoryStorage } from "../../../src/infrastructure/memory/memory-storage.ts";
import { cachePosts } from "../../../src/infrastructure/storage/post-cache.ts";
import { aPublishedPost, aUser, name } from "../../../src/testing/fixtures.ts";
import { openApi } from "../../support/api.ts";

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as () => void;

async function collectGarbage(): Promise<void> {
  // A WeakRef is only cleared between two turns of the event loop.
  await new Promise((resolve) => setImmediate(resolve));
  gc();
}

const URLS = [
  "/v1/posts?limit=1",
  "/v1/posts?limit=1&fields=title",
  "/v1/posts?fields=title&limit=1",
  "/v1/posts?limit=1&include=author",
  "/v1/posts?limit=1&count=true",
  "/v1/posts?limit=2",
  "/v1/posts?q=first",
  "/v1/posts?q=first&fields=title",
  "/v1/posts?q=first&count=true",
];

/** The same posts behind a cache and without one. */
async function openBoth() {
  const memory = openMemoryStorage();
  const author = aUser();
  (await memory.users.insert(author))._unsafeUnwrap();
  for (const title of ["First", "Second", "Third"])
    (await memory.posts.insert(aPublishedPost(author.id, { title })))._unsafeUnwrap();
  const cached = cachePosts(memory, { maxBytes: 1_000_000, onDatabaseRestarted: () => {}, onIndexWrite: () => {} });
  const answersOf = (storage: typeof memory) => {
    const { nobody } = openApi(storage);
    return async (url: string, headers: Record<string, string> = {}) => {
      const response = await nobody.get(url, headers);
      const { status } = response;
      const named = Object.fromEntries(["ETag", "Link"].map((name) => [name, response.headers.get(name)]));
      return { status, ...named, body: response.text };
    };
  };
  return { cached, author, whole: answersOf(memory), kept: answersOf(cached) };
}

describe("a page that the cache returns again", () => {
  it("has the answer of each URL, in every order of the requests", async () => {
    const { whole, kept } = await openBoth();
    for (const url of [...URLS, ...URLS, ...URLS.toReversed()]) expect(await kept(url)).toEqual(await whole(url));
  });

  it("is answered with 304 before and after its body was sent", async () => {
    const { whole, kept } = await openBoth();
    const [url] = URLS as [string];
    const { ETag } = (await whole(url)) as unknown as { readonly ETag: string };
    for (const sent of [{ "If-None-Match": ETag }, {}, { "If-None-Match": ETag }])
      expect(await kept(url, sent)).toEqual(await whole(url, sent));
  });

  it("has the new name of an author who was renamed", async () => {
    const { cached, author, whole, kept } = await openBoth();
    const url = "/v1/posts?include=author";
    await kept(url);
    const renamed = { ...author, name: name("Renamed"), version: (author.version + 1) as Version };
    (await cached.users.update(renamed, author.version))._unsafeUnwrap();
    const answer = await kept(url);
    expect(answer.body).toContain("Renamed");
    expect(answer).toEqual(await whole(url));
  });

  it("keeps no request alive", async () => {
    const { app } = openApi((await openBoth()).cached);
    const send = async (url: string) => {
      const request = new Request(`http://localhost${url}`);
      expect((await app.request(request)).status).toBe(200);
      return new WeakRef(request);
    };
    const sent: WeakRef<Request>[] = [];
    for (const url of URLS) sent.push(await send(url));
    const alive = () => sent.filter((request) => request.deref() !== undefined).length;
    for (let collections = 0; alive() > 0 && collections < 20; collections++) await collectGarbage();
    expect(alive()).toBe(0);
  });

  it("is another page after a write", async () => {
    const { cached, author, whole, kept } = await openBoth();
    for (const url of URLS) await kept(url);
    (await cached.posts.insert(aPublishedPost(author.id, { title: "Fourth" })))._unsafeUnwrap();
    for (const url of URLS) expect(await kept(url)).toEqual(await whole(url));
  });
});
