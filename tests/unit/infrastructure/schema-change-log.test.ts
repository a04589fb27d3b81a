import { describe, expect, it } from "vitest";
import { logSchemaChange } from "../../../src/infrastructure/node/schema-change-log.ts";
import { recordingLog } from "../../../src/testing/fixtures.ts";

const MESSAGES = {
  begun: "migrating the schema",
  goesOn: "still migrating the schema",
  done: "schema migrated",
};

describe("logSchemaChange", () => {
  it("logs the start, the progress and the end of a migration", async () => {
    const log = recordingLog();
    const messages = () => log.lines.map(({ message }) => message);
    const change = logSchemaChange(log, 3, 1);
    await expect.poll(messages).toContain(MESSAGES.goesOn);
    change.ended();
    change.succeeded();
    expect([messages()[0], messages().at(-1)]).toEqual([MESSAGES.begun, MESSAGES.done]);
    for (const { level, fields } of log.lines) expect([level, fields]).toMatchObject(["info", { migrations: 3 }]);
  });

  it("logs nothing after a failure", async () => {
    const log = recordingLog();
    logSchemaChange(log, 1, 1).ended();
    await new Promise((settle) => setTimeout(settle, 10));
    expect(log.lines.map(({ message }) => message)).toEqual([MESSAGES.begun]);
  });
});
