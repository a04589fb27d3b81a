import { systemClock } from "../../../src/infrastructure/node/system-clock.ts";
import { clockContract } from "../../contract/ports/clock.contract.ts";

clockContract("the system", systemClock);
