import { LATER } from "../../../src/testing/fixtures.ts";
import { toPage, type RemoteApi, type Client, type PostBody } from "../../support/api.ts";

const BETWEEN = new Date("2026-03-01T12:30:00.000Z");

/** The titles of a page, as a viewer sees it. */
export async function titlesOn(viewer: Pick<Client, "get">, path: string): Promise<readonly string[]> {
  return toPage(await viewer.get(path)).items.map((item) => (item as PostBody).title);
}

/** Two authors with drafts and published posts, written, edited and published at different times. */
export async function withPosts({ author, clock }: RemoteApi) {
  const ada = await author();
  const grace = await author();
  const b = await ada.write({ title: "b", status: "published" });
  await ada.write({ title: "c" });
  clock.set(BETWEEN);
  await grace.write({ title: "a", status: "published" });
  await grace.write({ title: "d" });
  clock.set(LATER);
  await ada.patch(`/v1/posts/${b.id}`, { content: "Edited" });
  await ada.write({ title: "\u{1F99C}", status: "published" });
  await grace.write({ title: "\uFF21", status: "published" });
  return { ada, grace };
}
