import { postgresqlPerRequest } from "../../support/test-storage.ts";
import { storageContract } from "../../../src/contracts/storage.contract.ts";

storageContract(postgresqlPerRequest);
