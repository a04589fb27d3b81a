import { memory } from "../../support/test-storage.ts";
import { httpContract } from "./http.contract.ts";

httpContract(memory);
