import { uuidGenerator } from "../../../src/infrastructure/node/uuid-generator.ts";
import { idGeneratorContract } from "../../../src/contracts/id-generator.contract.ts";

idGeneratorContract("the server", uuidGenerator);
