import { afterAll, beforeAll, describe } from "vitest";
import { openApi, type OpenApi } from "../../support/api.ts";
import type { StorageUnderTest, TestStorage } from "../../support/storage-under-test.ts";
import { httpConditionalContract } from "./http-conditional.contract.ts";
import { httpIdempotencyContract } from "./http-idempotency.contract.ts";
import { httpFindingPostsContract } from "./http-finding-posts.contract.ts";
import { httpForgedCursorsContract } from "./http-forged-cursors.contract.ts";
import { httpPostsContract } from "./http-posts.contract.ts";
import { httpPostViewContract } from "./http-post-view.contract.ts";
import { httpPublicationTimeContract } from "./http-publication-time.contract.ts";
import { httpRightsContract } from "./http-rights.contract.ts";
import { httpSearchContract } from "./http-search.contract.ts";
import { httpSessionsContract } from "./http-sessions.contract.ts";
import { httpStoredTextContract } from "./http-stored-text.contract.ts";
import { httpUsersContract } from "./http-users.contract.ts";

/** The HTTP contracts that depend on the storage. */
export function httpContract(adapter: StorageUnderTest) {
  describe(`HTTP on ${adapter.name}`, () => {
    const { open, openStorage } = apiOn(adapter);
    httpUsersContract(open);
    httpSessionsContract(open);
    httpIdempotencyContract(open, openStorage);
    httpPostsContract(open);
    httpPostViewContract(open);
    httpPublicationTimeContract(open);
    httpRightsContract(open);
    httpFindingPostsContract(open);
    httpForgedCursorsContract(open);
    httpSearchContract(open);
    httpConditionalContract(open);
    httpStoredTextContract(openStorage);
  });
}

/** Opens the API on an emptied storage. All tests of a file share the storage. */
export function apiOn(adapter: StorageUnderTest) {
  let opened: Awaited<ReturnType<StorageUnderTest["open"]>>;

  beforeAll(async () => {
    opened = await adapter.open();
  });

  afterAll(async () => opened.close());

  const openStorage = async (): Promise<TestStorage> => opened.empty();
  const open: OpenApi = async (overrides) => openApi(await openStorage(), overrides);
  return { open, openStorage };
}
