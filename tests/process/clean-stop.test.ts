import { rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { copyTemplate } from "../support/test-storage.ts";
import { serveInProcess, type ServerInProcess } from "./in-process.ts";

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
  async ({ url }: ServerInProcess) => {
    for (let request = 0; request < count; request++) await (await fetch(`${url}/v1/posts`)).text();
  };

/** Moments of the close, counted from the moment when the server listens. */
const MOMENTS: readonly (readonly [string, (server: ServerInProcess) => Promise<void>])[] = [
  ["at once", turnsOfTheLoop(0)],
  ["a turn of the event loop later", turnsOfTheLoop(1)],
  ["some turns later", turnsOfTheLoop(10)],
  ["after some requests", requests(20)],
];

describe("a server that is closed", () => {
  it.each(MOMENTS)("logs no warning and no error %s after its start", async (_, wait) => {
    const server = await serveInProcess(data);
    await wait(server);
    await server.stop();
    expect(server.log.lines.filter(({ level }) => level !== "info" && level !== "debug")).toEqual([]);
  });
});
