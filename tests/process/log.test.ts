import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { copyTemplate } from "../support/test-storage.ts";
import { canOpenTerminals, startOnTerminal, startServer } from "./server.ts";

let data: string;

beforeAll(async () => {
  data = await copyTemplate();
});
afterAll(async () => rm(data, { recursive: true }));

/** Of CSI in C1, of an override of direction, and of ESC with line breaks that would forge a line. */
const PATHS = ["/%C2%9B31mred", "/%E2%80%AEgnp.exe", "/%1b[31m%0d%0aforged"];

/** What a terminal obeys, but for the line feed between lines and what a terminal driver adds to it. */
// eslint-disable-next-line no-control-regex
const OBEYED = /[\u0000-\u0009\u000B\u000C\u000E-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]/;

/** A cluster is made, on a machine that runs other tests meanwhile. */
const INITIALISES_TIMEOUT_MS = 240_000;

const messagesOf = (stderr: string) =>
  stderr
    .trimEnd()
    .split("\n")
    .map((line) => (JSON.parse(line) as { readonly msg: string }).msg);

describe("the log of a server", () => {
  it(
    "says at the first start what takes its time, and nothing of it at the second",
    async () => {
      const directory = await mkdtemp(join(tmpdir(), "quire-first-"));
      const first = await (await startServer(join(directory, "data"))).end("SIGTERM");
      expect(messagesOf(first.stderr)).toEqual([
        "initialising a new database, which takes some seconds",
        "bringing the schema up to date",
        "the schema was brought up to date",
        "listening",
        "stopping",
        "stopped",
      ]);
      const second = await (await startServer(join(directory, "data"))).end("SIGTERM");
      expect(messagesOf(second.stderr)).toEqual(["listening", "stopping", "stopped"]);
      await rm(directory, { recursive: true });
    },
    INITIALISES_TIMEOUT_MS,
  );

  it("is a line of JSON for each request, which no character of its path can break or turn around", async () => {
    const server = await startServer(data);
    for (const path of PATHS) await fetch(`${server.url}${path}`);
    const { stderr } = await server.end("SIGTERM");
    expect(stderr).not.toMatch(OBEYED);
    const lines = stderr.trimEnd().split("\n");
    const logged = lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
    const requests = logged.filter(({ msg }) => msg === "request");
    expect(requests.map(({ path }) => path)).toEqual(PATHS.map((path) => decodeURI(path)));
    expect(logged.find(({ msg }) => msg === "listening")).toMatchObject({ pid: server.process.pid, version: "0.1.0" });
    expect(requests[0]).toMatchObject({ clientAddress: "127.0.0.1", status: 404, code: "route_not_found" });
  });

  it.skipIf(!canOpenTerminals())(
    "is a readable line for each request on a terminal, which obeys nothing in it",
    async () => {
      const server = startOnTerminal(data);
      await expect.poll(() => /http:\/\/[\d.]+:\d+/.test(server.shown()), { timeout: 60_000 }).toBe(true);
      const url = /http:\/\/[\d.]+:\d+/.exec(server.shown())?.[0] ?? "";
      for (const path of PATHS) await fetch(`${url}${path}`);
      const requests = () =>
        server
          .shown()
          .split("\r\n")
          .filter((line) => line.includes(" request "));
      await expect.poll(() => requests().length, { timeout: 10_000 }).toBe(PATHS.length);
      server.type("\u0003");
      await server.ended;
      expect(requests()).toEqual([
        expect.stringMatching(
          /^[\d:.]{12} INFO {2}request requestId=\S+ .* path=\/\\u009B31mred .* code=route_not_found .*$/,
        ),
        expect.stringContaining(String.raw`path=/\u202Egnp.exe `),
        expect.stringContaining(String.raw`path="/\u001b[31m\r\nforged"`),
      ]);
      for (const line of requests()) expect(line).not.toMatch(OBEYED);
    },
  );
});
