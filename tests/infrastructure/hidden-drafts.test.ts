import { randomBytes } from "node:crypto";
import type { PGlite } from "@electric-sql/pglite";
import { drizzle } from "drizzle-orm/pglite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Repositories } from "../../src/application/ports/unit-of-work.ts";
import type { PostId } from "../../src/domain/shared/id.ts";
import { MAX_CONTENT_BYTES } from "../../src/domain/post/post.ts";
import type { DraftFilter } from "../../src/domain/post/post-list.ts";
import { ANY_STORAGE } from "../../src/infrastructure/drizzle/account-quota.ts";
import { drizzleRepositories } from "../../src/infrastructure/drizzle/drizzle-unit-of-work.ts";
import { aDraft, aUser, EVERY_DRAFT, nextId } from "../../src/testing/fixtures.ts";
import { openTemplate } from "../support/test-storage.ts";

/** The blocks that a statement reads and the data that it sends to the client, from `explain (serialize)`. */
interface Cost {
  readonly blocks: number;
  readonly outputKib: number;
}

interface Blocks {
  readonly "Shared Hit Blocks": number;
  readonly "Shared Read Blocks": number;
}

interface Explained {
  readonly Plan: Blocks;
  readonly Serialization: Blocks & { readonly "Output Volume": number };
}

const blocksOf = (part: Blocks) => part["Shared Hit Blocks"] + part["Shared Read Blocks"];

describe("a draft that the client may not see", () => {
  let engine: PGlite;
  let repositories: Repositories;
  const sent: { sql: string; params: unknown[] }[] = [];
  const [author, other] = [aUser(), aUser()];
  // Random content does not compress, so it fills separate TOAST blocks.
  const long = aDraft(author.id, { content: randomBytes(MAX_CONTENT_BYTES / 2).toString("hex") });
  const short = aDraft(author.id);

  beforeAll(async () => {
    engine = await openTemplate();
    const logger = { logQuery: (sql: string, params: unknown[]) => void sent.push({ sql, params }) };
    repositories = drizzleRepositories(drizzle({ client: engine, logger }), ANY_STORAGE);
    for (const user of [author, other]) (await repositories.users.insert(user))._unsafeUnwrap();
    for (const draft of [long, short]) (await repositories.posts.insert(draft))._unsafeUnwrap();
    await engine.exec("vacuum analyze");
  });
  afterAll(async () => engine.close());

  /** Measures a lookup in blocks, which unlike time are deterministic. */
  async function costOf(id: PostId, drafts: DraftFilter | null): Promise<Cost> {
    sent.length = 0;
    await repositories.posts.findById(id, drafts);
    expect(sent).toHaveLength(1);
    const [{ sql, params }] = sent as [{ sql: string; params: unknown[] }];
    const values = params.map((value) =>
      Array.isArray(value) ? `'{${value.map((each) => String(each)).join()}}'` : `'${String(value)}'`,
    );
    await engine.exec(`deallocate all; prepare question as ${sql}`);
    const explain = `explain (analyze, buffers, serialize text, timing off, format json) execute question`;
    // The first run may read the catalogue.
    await engine.exec(`${explain} (${values.join(", ")})`);
    const [answer] = await engine.exec(`${explain} (${values.join(", ")})`);
    const explained = (answer?.rows as { "QUERY PLAN": Explained[] }[] | undefined)?.[0]?.["QUERY PLAN"][0];
    if (explained === undefined) return expect.fail("There is no plan.");
    const { Plan: plan, Serialization: serialization } = explained;
    return { blocks: blocksOf(plan) + blocksOf(serialization), outputKib: serialization["Output Volume"] };
  }

  it.each<[string, DraftFilter | null]>([
    ["a guest", null],
    ["another author", { authorId: other.id }],
  ])("costs %s the same as a short draft, and the database sends nothing of it", async (_, drafts) => {
    const ofLong = await costOf(long.id, drafts);
    expect(ofLong).toEqual(await costOf(short.id, drafts));
    expect(ofLong.outputKib).toBe(0);
    // Beside the blocks of the index, one block contains the row.
    expect(ofLong.blocks - (await costOf(nextId<PostId>(), drafts)).blocks).toBeLessThanOrEqual(1);
  });

  it("costs more when its author or an admin reads it, which validates the measurement", async () => {
    for (const drafts of [{ authorId: author.id }, EVERY_DRAFT]) {
      const ofLong = await costOf(long.id, drafts);
      expect(ofLong.outputKib).toBeGreaterThanOrEqual(MAX_CONTENT_BYTES / 1024);
      expect(ofLong.blocks).toBeGreaterThan((await costOf(short.id, drafts)).blocks + 100);
    }
  });
});
