import { memory } from "../../support/test-storage.ts";
import { storageContract } from "./storage.contract.ts";

storageContract(memory);
