import { afterEach, beforeEach, vi } from "vitest";
import { logContract } from "../../../src/contracts/log.contract.ts";
import { nullLog } from "../../../src/infrastructure/node/null-log.ts";
import { pinoLog } from "../../../src/infrastructure/node/pino-log.ts";

const openPino = (isTerminal: boolean) => () => {
  let text = "";
  const write = (line: string) => {
    text += line;
  };
  return { log: pinoLog("debug", { write, isTerminal }), written: () => text };
};

beforeEach(() => {
  vi.stubEnv("NO_COLOR", "1");
});
afterEach(() => {
  vi.unstubAllEnvs();
});

logContract("with JSON lines", openPino(false));
logContract("with readable lines", openPino(true));
logContract("without output", () => ({ log: nullLog, written: () => "" }), { isSilent: true });
