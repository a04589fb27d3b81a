import { uuidGenerator } from "../../../src/infrastructure/node/uuid-generator.ts";
import { idGeneratorContract } from "../../../src/contracts/id-generator.contract.ts";
import { ids } from "../../../src/testing/fixtures.ts";

idGeneratorContract("the server", uuidGenerator);
idGeneratorContract("the test fixtures", ids);
