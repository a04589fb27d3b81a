import { memory } from "../support/test-storage.ts";
import { postRepositoryContract } from "./post-repository.contract.ts";
import { sessionRepositoryContract } from "./session-repository.contract.ts";
import { unitOfWorkContract } from "./unit-of-work.contract.ts";
import { userRepositoryContract } from "./user-repository.contract.ts";

userRepositoryContract(memory);
postRepositoryContract(memory);
sessionRepositoryContract(memory);
unitOfWorkContract(memory, { abortsFailedTransactions: false, runsUnitsInTurn: true });
