import { pglite } from "../../support/test-storage.ts";
import { httpContract } from "./http.contract.ts";

httpContract(pglite);
