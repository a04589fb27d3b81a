import { describe, expect, it } from "vitest";
import { logSchemaChange } from "../../../src/infrastructure/node/schema-change-log.ts";
import { recordingLog } from "../../support/fixtures.ts";

const MESSAGES = {
  begun: "bringing the schema up to date",
  goesOn: "still bringing the schema up to date",
  done: "the schema was brought up to date",
};

describe("the log of a change of the schema", () => {
  it("says that it begins, that it still goes on, and that it is done", async () => {
    const log = recordingLog();
    const messages = () => log.lines.map(({ message }) => message);
    const change = logSchemaChange(log, 3, 1);
    await expect.poll(messages).toContain(MESSAGES.goesOn);
    change.ended();
    change.succeeded();
    expect([messages()[0], messages().at(-1)]).toEqual([MESSAGES.begun, MESSAGES.done]);
    for (const { level, fields } of log.lines) expect([level, fields]).toMatchObject(["info", { migrations: 3 }]);
  });

  it("says nothing more once a change has failed", async () => {
    const log = recordingLog();
    logSchemaChange(log, 1, 1).ended();
    await new Promise((settle) => setTimeout(settle, 10));
    expect(log.lines.map(({ message }) => message)).toEqual([MESSAGES.begun]);
  });
});
