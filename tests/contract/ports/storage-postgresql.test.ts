import { memory, postgresql } from "../../support/test-storage.ts";
import { storageContract } from "./storage.contract.ts";

storageContract(postgresql, memory);
