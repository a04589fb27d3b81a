import { rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { copyTemplate } from "../support/test-storage.ts";
import { canOpenTerminals, startOnTerminal, startServer } from "./server.ts";

let data: string;

beforeAll(async () => {
  data = await copyTemplate();
});
afterAll(async () => rm(data, { recursive: true }));

/** CSI of C1, a bidirectional override, and ESC with line breaks that would forge a log line. */
const PATHS = ["/%C2%9B31mred", "/%E2%80%AEgnp.exe", "/%1b[31m%0d%0aforged"];

/** Control characters and bidirectional controls, except line feed and carriage return, which the terminal driver adds. */
// eslint-disable-next-line no-control-regex
const OBEYED = /[\u0000-\u0009\u000B\u000C\u000E-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]/;

describe("the log of a server", () => {
  it("is one JSON line per request, with every character escaped that a terminal obeys", async () => {
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
    "is one readable line per request on a terminal, with every character escaped that it obeys",
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
