import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { OPERATIONS } from "../../src/interfaces/http/openapi/operations.ts";
import { copyTemplate } from "../support/test-storage.ts";
import { startServer } from "./server.ts";

/** With it the documents get what the server says now, where that is another thing than they say. */
const { UPDATE_TRANSCRIPTS } = process.env;
const updates = UPDATE_TRANSCRIPTS === "1";

/** What a reader's server has, and the other tests are freed of. */
const ENVIRONMENT = {
  QUIRE_RATE_LIMIT_PER_MINUTE: "6000",
  QUIRE_LOGIN_LIMIT_PER_MINUTE: "10",
};

/** Ids, tokens, cursors and tags of lists, which are long and no words; and where the server is. */
const VARYING = /localhost:\d+|(?=[\w-]*[\dA-Z])[\w-]{22,}/g;

/** Instants, and what is left of a limit: by chance two of them are one, or change. */
const TIMED = /\d{4}-\d\d-\d\dT[\d:.]+Z|\w{3}, \d\d \w{3} \d{4} [\d:]+ GMT|(?<=;)r=\d+;t=\d+|(?<=Retry-After: )\d+/g;

/** How a section says that its server is started with a configuration, on the data that there is. */
const START = /^((?:QUIRE_\w+=\S+ )+)npm start$/m;

/** A request in the log, and an id in its path. */
const REQUEST = /"method":"(\w+)","path":"([^"]+)"/g;
const ID = /[\da-f-]{36}/;

const END = "-- end of the answer --";

const curl = spawnSync("curl", ["--version"]).status === 0;

describe.skipIf(!curl).for(["README.md", "docs/api.md"])(`%s${curl ? "" : " (skipped: there is no curl)"}`, (name) => {
  const path = fileURLToPath(new URL(`../../${name}`, import.meta.url));
  const sections = readFileSync(path, "utf8").split(/^(?=## )/m);
  const setUp = sections.findIndex((section) => section.includes("\n```console\n"));
  const now = [...sections];
  const asked = new Set<string>();

  for (const [index, section] of sections.entries()) {
    if (!section.includes("\n```console\n")) continue;
    it(`says what a server says: ${section.slice(3, section.indexOf("\n"))}`, async () => {
      const directory = await copyTemplate();
      let server = await startServer(directory, ENVIRONMENT);
      const reader = openReader(server.url);
      try {
        if (index !== setUp) await reader.replay(sections[setUp] ?? "");
        const [, variables] = START.exec(section) ?? [];
        if (variables !== undefined) {
          await server.end("SIGTERM");
          const configuration = Object.fromEntries(
            variables
              .trimEnd()
              .split(" ")
              .map((set) => set.split("=")),
          );
          server = await startServer(directory, { ...ENVIRONMENT, ...configuration, PORT: new URL(server.url).port });
        }
        now[index] = await reader.replay(section);
        if (!updates) expect(now[index]).toBe(section);
      } finally {
        reader.leave();
        const { stderr } = await server.end("SIGTERM");
        for (const [, method, path] of stderr.matchAll(REQUEST)) asked.add(`${method} ${path?.replace(ID, ":id")}`);
        await rm(directory, { recursive: true });
      }
    });
  }

  if (name === "docs/api.md") {
    it("shows every operation", () => expect([...asked]).toEqual(expect.arrayContaining(Object.keys(OPERATIONS))));
  }

  afterAll(async () => {
    if (updates) await writeFile(path, now.join(""));
  });
});

/** A command, which may go on in the next lines or have its input there, what is said to it, and the gap after it. */
const COMMAND =
  /^\$ (?<command>(?:.*\\\n)*(?:.*<< '(?<end>\w+)'\n[^]*?\n\k<end>|.*)\n)(?<documented>(?:[^]*\S\n)?)(?<gap>\n*)$/;

/** Somebody at a shell who types what a document says, but with the ids and tokens that this server gave out. */
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
    let said = "";
    while (!said.endsWith(END)) {
      const { done, value } = await output.next();
      if (done === true) throw new Error(`The shell ended at: ${command}`);
      said += value;
    }
    const text = said.slice(0, -END.length).replaceAll("\r", "").trimEnd();
    return text === "" ? "" : `${text}\n`;
  }

  /** What two answers of one form have in the same place is the same thing. */
  function learn(documented: string, said: string): void {
    const expected = documented.match(VARYING) ?? [];
    const found = said.match(VARYING) ?? [];
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
    const said = await run(translated(command, here));
    learn(documented, said);
    const now = translated(said, there);
    const isSame = now.replaceAll(TIMED, "…") === documented.replaceAll(TIMED, "…");
    return isSame ? text : `$ ${command}${now}${gap}`;
  }

  /** The section with what is answered now; an answer that differs in nothing but chance stays as it is. */
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
