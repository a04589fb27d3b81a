import { openedOnce } from "./opened-storage.ts";
import { compareResultsByContent } from "./result-equality.ts";
import type { StorageUnderTest } from "./storage-under-test.ts";
import { accountQuotaContract } from "./account-quota.contract.ts";
import { backwardPagesContract } from "./backward-pages.contract.ts";
import { bulkChangesContract } from "./bulk-changes.contract.ts";
import { storageProbeContract } from "./storage-probe.contract.ts";
import { persistenceContract } from "./persistence.contract.ts";
import { storageFailureContract } from "./storage-failure.contract.ts";
import { cancellationContract } from "./cancellation.contract.ts";
import { idempotencyKeyRepositoryContract } from "./idempotency-keys.contract.ts";
import { postCountContract } from "./post-count.contract.ts";
import { postPagingContract } from "./post-paging.contract.ts";
import { postRepositoryContract } from "./post-repository.contract.ts";
import { postSearchContract } from "./post-search.contract.ts";
import { searchLanguagesContract } from "./search-languages.contract.ts";
import { postTitlesContract } from "./post-titles.contract.ts";
import { sessionRepositoryContract } from "./session-repository.contract.ts";
import { sessionRevocationContract } from "./session-revocation.contract.ts";
import { storageModelContract } from "./storage-model.contract.ts";
import { unitOfWorkContract } from "./unit-of-work.contract.ts";
import { userRemovalContract } from "./user-removal.contract.ts";
import { userRepositoryContract } from "./user-repository.contract.ts";

/** The whole contract of a storage. An adapter that passes it is complete. */
export function storageContract(adapter: StorageUnderTest): void {
  compareResultsByContent();
  const shared = openedOnce(adapter);
  userRepositoryContract(shared);
  userRemovalContract(shared);
  accountQuotaContract(shared);
  postRepositoryContract(shared);
  postCountContract(shared);
  postSearchContract(shared);
  searchLanguagesContract(shared);
  postPagingContract(shared);
  postTitlesContract(shared);
  sessionRepositoryContract(shared);
  sessionRevocationContract(shared);
  idempotencyKeyRepositoryContract(shared);
  unitOfWorkContract(shared);
  cancellationContract(shared);
  backwardPagesContract(shared);
  bulkChangesContract(shared);
  storageProbeContract(shared);
  persistenceContract(shared);
  storageFailureContract(adapter);
  storageModelContract(shared);
}
