import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OPERATIONS } from "../../src/interfaces/http/openapi/operations.ts";
import { pglite } from "../support/test-storage.ts";
import { serveOn } from "./in-process.ts";
import { openTranscript } from "./transcript.ts";

/** With UPDATE_TRANSCRIPTS=1 the documents are rewritten with the current answers. */
const { UPDATE_TRANSCRIPTS } = process.env;
const updates = UPDATE_TRANSCRIPTS === "1";

/** The default limits, which other tests turn off. */
const ENVIRONMENT = {
  QUIRE_RATE_LIMIT_PER_MINUTE: "6000",
  QUIRE_LOGIN_LIMIT_PER_MINUTE: "10",
};

/**
 * Values that differ in each run: the port, and ids, tokens, cursors and ETags of lists, which are long and not words. All cursors have
 * the same beginning: that of a JSON array of texts in base64url.
 */
const VARYING =
  /localhost:\d+|(?<=(?:cursor=|Cursor":")WyJ)[\w-]{22,}|(?<![\w-]|cursor=|Cursor":")(?=[\w-]*[\dA-Z])[\w-]{22,}/g;

/** Times and the remaining units of a rate limit, which differ by chance. */
const TIMED = /\d{4}-\d\d-\d\dT[\d:.]+Z|\w{3}, \d\d \w{3} \d{4} [\d:]+ GMT|(?<=;)r=\d+;t=\d+|(?<=Retry-After: )\d+/g;

/** The line of a section that restarts the server with a configuration, on the same data. */
const START = /^((?:QUIRE_\w+=\S+ )+)npm start$/m;

const ID = /[\da-f-]{36}/;

const curl = spawnSync("curl", ["--version"]).status === 0;

describe.skipIf(!curl).for(["README.md", "docs/api.md"])(`%s${curl ? "" : " (skipped: curl is missing)"}`, (name) => {
  const path = fileURLToPath(new URL(`../../${name}`, import.meta.url));
  const sections = readFileSync(path, "utf8").split(/^(?=## )/m);
  const setUp = sections.findIndex((section) => section.includes("\n```console\n"));
  const now = [...sections];
  const shown = new Set<string>();
  let database: ReturnType<typeof pglite.open>;

  beforeAll(() => {
    database = pglite.open();
  });

  for (const [index, section] of sections.entries()) {
    if (!section.includes("\n```console\n")) continue;
    it(`matches the answers of a server: ${section.slice(3, section.indexOf("\n"))}`, async () => {
      const storage = await (await database).empty();
      let server = await serveOn(storage, ENVIRONMENT);
      const host = `localhost:${new URL(server.url).port}`;
      const reader = openTranscript({ counterparts: [["localhost:3000", host]], varying: VARYING, volatile: TIMED });
      try {
        if (index !== setUp) await reader.replay(sections[setUp] ?? "");
        const [, variables] = START.exec(section) ?? [];
        if (variables !== undefined) {
          await server.stop();
          const configuration = Object.fromEntries(
            variables
              .trimEnd()
              .split(" ")
              .map((set) => set.split("=")),
          );
          server = await serveOn(storage, { ...ENVIRONMENT, ...configuration, PORT: new URL(server.url).port });
        }
        now[index] = await reader.replay(section);
        if (!updates) expect(now[index]).toBe(section);
      } finally {
        reader.leave();
        await server.stop();
        for (const { message, fields } of server.log.lines) if (message === "request") shown.add(operationOf(fields));
      }
    });
  }

  if (name === "docs/api.md") {
    it("shows every operation of the API", () =>
      expect([...shown]).toEqual(expect.arrayContaining(Object.keys(OPERATIONS))));
  }

  afterAll(async () => {
    await (await database).close();
    if (updates) await writeFile(path, now.join(""));
  });
});

function operationOf(fields: object): string {
  const { method, path } = fields as { readonly method: string; readonly path: string };
  return `${method} ${path.replace(ID, ":id")}`;
}
