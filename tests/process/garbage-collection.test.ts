import { rm } from "node:fs/promises";
import { Agent, get } from "node:http";
import { afterAll, beforeAll, expect, it } from "vitest";
import { copyTemplate } from "../support/test-storage.ts";
import { SERVER, startProgram, type RunningServer } from "./server.ts";

const CONNECTIONS = 50;
/** Enough for V8 to optimise the code, and to learn which objects survive. */
const WARM_UP = 6_000;
const MEASURED = 6_000;
/** A request has 5 KB. With V8's default 320 to 4,000 bytes of it are moved to the old objects, otherwise 75. */
const MAX_PROMOTED_BYTES = 200;

let data: string;
let server: RunningServer;

beforeAll(async () => {
  data = await copyTemplate();
  server = await startProgram([process.execPath, "--trace-gc-nvp", SERVER], "/", data);
});

afterAll(async () => {
  await server.end("SIGKILL");
  await rm(data, { recursive: true });
});

/** Sends requests on several connections at once. */
async function sendMany(count: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  let left = count;
  const client = async () => {
    while (left-- > 0) {
      await new Promise((settle, refuse) => {
        get(`${server.url}/health/live`, { agent }, (response) => response.resume().on("end", settle)).on(
          "error",
          refuse,
        );
      });
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, client));
  agent.destroy();
}

it("a request leaves no garbage among V8's old objects", async () => {
  await sendMany(WARM_UP);
  let trace = "";
  server.process.stdout.on("data", (chunk: Buffer) => (trace += chunk.toString()));
  await sendMany(MEASURED);
  // Only collections of the young objects: a full one, which may also run, promotes all objects that are alive.
  const promoted = Array.from(trace.matchAll(/\bgc=s .*\bpromoted=(\d+)/g), ([, bytes]) => Number(bytes));
  expect(promoted.length).toBeGreaterThan(3);
  expect(promoted.reduce((sum, bytes) => sum + bytes, 0) / MEASURED).toBeLessThan(MAX_PROMOTED_BYTES);
});
