import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { logContract } from "../../../src/contracts/log.contract.ts";
import { nullLog } from "../../../src/infrastructure/node/null-log.ts";
import { pinoLog } from "../../../src/infrastructure/node/pino-log.ts";
import { consoleLog } from "../../../src/infrastructure/web/console-log.ts";

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
logContract("on the console", () => {
  let text = "";
  const log = consoleLog("debug", (_, line) => {
    text += `${line}\n`;
  });
  return { log, written: () => text };
});
logContract("without output", () => ({ log: nullLog, written: () => "" }), { isSilent: true });

it("writes the levels from the given one on to the console of the runtime", () => {
  const info = vi.spyOn(console, "info").mockReturnValue();
  const warn = vi.spyOn(console, "warn").mockReturnValue();
  const log = consoleLog("warn");
  log.info({}, "one");
  log.warn({}, "two");
  expect([info.mock.calls.length, warn.mock.calls.length]).toEqual([0, 1]);
  expect(JSON.parse(String(warn.mock.calls[0]))).toMatchObject({ level: "warn", msg: "two" });
});
