import { uuidGenerator } from "../../../src/infrastructure/node/uuid-generator.ts";
import { idGeneratorContract } from "../../contract/ports/id-generator.contract.ts";
import { ids } from "../../support/fixtures.ts";

idGeneratorContract("the server", uuidGenerator);
idGeneratorContract("the test fixtures", ids);
