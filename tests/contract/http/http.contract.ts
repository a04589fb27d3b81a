import { describe } from "vitest";
import { openApi, type OpenApi, type OpenRemoteApi } from "../../support/api.ts";
import { openedStorage } from "../../../src/contracts/opened-storage.ts";
import type { StorageUnderTest } from "../../../src/contracts/storage-under-test.ts";
import { httpIdempotencyRacesContract } from "./http-idempotency-races.contract.ts";
import { httpIdempotencyContract } from "./http-idempotency.contract.ts";
import { httpFindingPostsContract } from "./http-finding-posts.contract.ts";
import { httpForgedCursorsContract } from "./http-forged-cursors.contract.ts";
import { httpPostsContract } from "./http-posts.contract.ts";
import { httpPublicationTimeContract } from "./http-publication-time.contract.ts";
import { httpSearchContract } from "./http-search.contract.ts";
import { httpSessionsContract } from "./http-sessions.contract.ts";
import { httpStoredTextContract } from "./http-stored-text.contract.ts";
import { httpUsersContract } from "./http-users.contract.ts";

/**
 * The part of HTTP that a storage can change: idempotency, uniqueness, races, lists, sorts, counts and stored values. The
 * rules that no storage can change run in http-rules-memory.test.ts.
 */
export function httpContract(adapter: StorageUnderTest) {
  describe(`HTTP on ${adapter.name}`, () => {
    const { open, openStorage } = apiOn(adapter);
    httpClientContract(open);
    httpIdempotencyRacesContract(openStorage);
    httpStoredTextContract(openStorage);
  });
}

/** The part of {@link httpContract} that clients alone can test, in this process or in another one. */
export function httpClientContract(open: OpenRemoteApi) {
  httpUsersContract(open);
  httpSessionsContract(open);
  httpIdempotencyContract(open);
  httpPostsContract(open);
  httpPublicationTimeContract(open);
  httpFindingPostsContract(open);
  httpForgedCursorsContract(open);
  httpSearchContract(open);
}

/** Opens the API on an emptied storage. All tests of a file share the storage. */
export function apiOn(adapter: StorageUnderTest) {
  const openStorage = openedStorage(adapter);
  const open: OpenApi = async (overrides) => openApi(await openStorage(), overrides);
  return { open, openStorage };
}
