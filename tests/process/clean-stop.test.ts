import { rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { copyTemplate } from "../support/test-storage.ts";
import { startServer, type RunningServer } from "./server.ts";

let data: string;

beforeAll(async () => {
  data = await copyTemplate();
});
afterAll(async () => rm(data, { recursive: true }));

const turnsOfTheLoop = (turns: number) => async () => {
  for (let turn = 0; turn < turns; turn++) await new Promise((settle) => setImmediate(settle));
};

const requests =
  (count: number) =>
  async ({ url }: RunningServer) => {
    for (let request = 0; request < count; request++) await (await fetch(`${url}/v1/posts`)).text();
  };

/** A log-in hashes, so that it is not answered when the signal comes; it is answered all the same. */
async function aLogInThatRuns({ url }: RunningServer): Promise<void> {
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ email: "ada@example.org", password: "not the password" });
  void fetch(`${url}/v1/sessions`, { method: "POST", headers, body }).catch(() => {});
  await (await fetch(`${url}/health/live`)).text();
}

/** When the signal comes, counted from the line that says where the server listens. */
const MOMENTS: readonly (readonly [string, (server: RunningServer) => Promise<void>])[] = [
  ["at once", turnsOfTheLoop(0)],
  ["a turn of the event loop later", turnsOfTheLoop(1)],
  ["some turns later", turnsOfTheLoop(10)],
  ["after a request", requests(1)],
  ["after some requests", requests(20)],
  ["while a request runs", aLogInThatRuns],
];

const ROUNDS = 2;

describe("a stop after the server has said that it listens", () => {
  it.each(MOMENTS)("logs no warning and no error: %s", async (_, wait) => {
    for (let round = 0; round < ROUNDS; round++) {
      const server = await startServer(data);
      await wait(server);
      const { exitCode, stderr } = await server.end("SIGTERM");
      const lines = stderr.trimEnd().split("\n");
      const logged = lines.map((line) => JSON.parse(line) as { readonly level: string; readonly msg: string });
      expect(logged.filter(({ level }) => level !== "info")).toEqual([]);
      expect([exitCode, logged.at(-1)?.msg]).toEqual([0, "stopped"]);
    }
  });
});
