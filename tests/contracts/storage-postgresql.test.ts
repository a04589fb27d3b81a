import { postgresql } from "../support/test-storage.ts";
import { idempotencyKeyRepositoryContract } from "./idempotency-keys.contract.ts";
import { postPagingContract } from "./post-paging.contract.ts";
import { postRepositoryContract } from "./post-repository.contract.ts";
import { postSearchContract } from "./post-search.contract.ts";
import { sessionRepositoryContract } from "./session-repository.contract.ts";
import { storageModelContract } from "./storage-model.contract.ts";
import { unitOfWorkContract } from "./unit-of-work.contract.ts";
import { userRepositoryContract } from "./user-repository.contract.ts";

userRepositoryContract(postgresql);
postRepositoryContract(postgresql);
postSearchContract(postgresql);
postPagingContract(postgresql);
sessionRepositoryContract(postgresql);
idempotencyKeyRepositoryContract(postgresql);
unitOfWorkContract(postgresql, { abortsFailedTransactions: true, runsUnitsInTurn: false });
storageModelContract(postgresql);
