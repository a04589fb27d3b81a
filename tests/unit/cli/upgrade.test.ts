import { ok } from "neverthrow";
import { expect, it } from "vitest";
import { upgrade } from "../../../src/interfaces/cli/upgrade.ts";
import { fakeTerminal } from "./fake-terminal.ts";

it("says that it has completed an interrupted upgrade, of which no rows are compared", async () => {
  const { terminal, printed } = fakeTerminal();
  const upgraded = { directory: "/srv/quire", postgresql: 18, from: null, kept: "/srv/before", tables: [] };
  const upgradeDatabase = async () => ok(upgraded);
  expect(await upgrade({ terminal, upgradeDatabase }, { json: false })).toEqual(ok());
  expect(printed).toEqual([
    "Completed an interrupted upgrade of /srv/quire to PostgreSQL 18.",
    "The old database is kept in /srv/before. Delete it when you do not need it any more.",
  ]);
});
