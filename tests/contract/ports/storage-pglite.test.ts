import { memory, pglite } from "../../support/test-storage.ts";
import { storageContract } from "./storage.contract.ts";

storageContract(pglite, memory);
