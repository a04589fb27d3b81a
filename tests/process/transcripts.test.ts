import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OPERATIONS } from "../../src/interfaces/http/openapi/operations.ts";
import { pglite } from "../support/test-storage.ts";
import { serveOn } from "./in-process.ts";

/** With UPDATE_TRANSCRIPTS=1 the documents are rewritten with the current answers. */
const { UPDATE_TRANSCRIPTS } = process.env;
const updates = UPDATE_TRANSCRIPTS === "1";

/** The default limits, which other tests turn off. */
const ENVIRONMENT = {
  QUIRE_RATE_LIMIT_PER_MINUTE: "6000",
  QUIRE_LOGIN_LIMIT_PER_MINUTE: "10",
};

/** Values that differ in each run: the port, and ids, tokens, cursors and ETags of lists, which are long and not words. */
const VARYING = /localhost:\d+|(?=[\w-]*[\dA-Z])[\w-]{22,}/g;

/** Times and the remaining units of a rate limit, which differ by chance. */
const TIMED = /\d{4}-\d\d-\d\dT[\d:.]+Z|\w{3}, \d\d \w{3} \d{4} [\d:]+ GMT|(?<=;)r=\d+;t=\d+|(?<=Retry-After: )\d+/g;

/** The line of a section that restarts the server with a configuration, on the same data. */
const START = /^((?:QUIRE_\w+=\S+ )+)npm start$/m;

const ID = /[\da-f-]{36}/;

const END = "-- end of the answer --";

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
      const reader = openReader(server.url);
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

/** A command with its continuation lines or here-document, its documented output, and the blank lines after it. */
const COMMAND =
  /^\$ (?<command>(?:.*\\\n)*(?:.*<< '(?<end>\w+)'\n[^]*?\n\k<end>|.*)\n)(?<documented>(?:[^]*\S\n)?)(?<gap>\n*)$/;

/** A shell that runs the commands of a document with the ids and tokens of this server. */
function openReader(url: string) {
  const { PATH } = process.env;
  const shell = spawn("bash", ["--norc"], { env: { PATH } });
  const output: AsyncIterator<string> = shell.stdout.setEncoding("utf8")[Symbol.asyncIterator]();
  const host = `localhost:${new URL(url).port}`;
  const here = new Map([["localhost:3000", host]]);
  const there = new Map([[host, "localhost:3000"]]);
  shell.stdin.write("exec 2>&1\n");

  async function run(command: string): Promise<string> {
    shell.stdin.write(`${command}printf '%s' '${END}'\n`);
    let printed = "";
    while (!printed.endsWith(END)) {
      const { done, value } = await output.next();
      if (done === true) throw new Error(`The shell ended at: ${command}`);
      printed += value;
    }
    const text = printed.slice(0, -END.length).replaceAll("\r", "").trimEnd();
    return text === "" ? "" : `${text}\n`;
  }

  /** Values at the same position of two answers of the same form are counterparts. */
  function learn(documented: string, printed: string): void {
    const expected = documented.match(VARYING) ?? [];
    const found = printed.match(VARYING) ?? [];
    if (expected.length !== found.length) return;
    for (const [index, value] of expected.entries()) {
      const counterpart = found[index] ?? value;
      if (here.has(value) || there.has(counterpart)) continue;
      here.set(value, counterpart);
      there.set(counterpart, value);
    }
  }

  async function step(text: string): Promise<string> {
    const { command = "", documented = "", gap = "" } = COMMAND.exec(text)?.groups ?? {};
    const printed = await run(translated(command, here));
    learn(documented, printed);
    const now = translated(printed, there);
    const isSame = now.replaceAll(TIMED, "…") === documented.replaceAll(TIMED, "…");
    return isSame ? text : `$ ${command}${now}${gap}`;
  }

  /** Returns the section with the current answers. An answer that differs only by chance stays unchanged. */
  async function replay(section: string): Promise<string> {
    let now = "";
    let isBlock = false;
    for (const part of section.split(/(?<=^```console\n)([^]*?^)(?=```$)/m)) {
      if (!isBlock) now += part;
      else for (const text of part.split(/^(?=\$ )/m)) now += await step(text);
      isBlock = !isBlock;
    }
    return now;
  }

  return { replay, leave: () => shell.stdin.end() };
}

function translated(text: string, names: ReadonlyMap<string, string>): string {
  return text.replaceAll(VARYING, (value) => names.get(value) ?? value);
}
