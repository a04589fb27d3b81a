import { systemClock } from "../../../src/infrastructure/node/system-clock.ts";
import { clockContract } from "../../../src/contracts/clock.contract.ts";

clockContract("the system", systemClock);
