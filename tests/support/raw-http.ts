import { EventEmitter, once } from "node:events";
import { connect, type Socket } from "node:net";
import { listen, type HttpServer } from "../../src/interfaces/node/http-server.ts";
import { recordingLog } from "../../src/testing/fixtures.ts";

export type Fetch = Parameters<typeof listen>[0]["fetch"];
type Options = Partial<Omit<Parameters<typeof listen>[0], "fetch">>;

const open: HttpServer[] = [];

/** Closes every server that a test has started. */
export async function closeServers(): Promise<void> {
  for (const server of open.splice(0)) await server.close(0);
}

/** Serves a fetch function on a free port of this machine. */
export async function serve(fetch: Fetch = () => new Response("fine"), options: Options = {}) {
  const log = recordingLog();
  const server = (await listen({ fetch, host: "127.0.0.1", port: 0, log, ...options }))._unsafeUnwrap();
  open.push(server);
  return { server, log, port: Number(new URL(server.url).port) };
}

interface DialOptions {
  /** The source address. On Linux all of 127.0.0.0/8 belongs to this machine. */
  readonly from?: string;
  /** Whether the client keeps its side open when the server has closed its own. */
  readonly allowHalfOpen?: boolean;
}

/** A connection on which the test sends and receives every byte itself. */
export async function dial(port: number, { from, allowHalfOpen = false }: DialOptions = {}): Promise<Socket> {
  const address = from === undefined ? {} : { localAddress: from };
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen, ...address }).setEncoding("utf8");
  // Some tests expect a reset connection. They check the bytes that arrived before.
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

/** Resolves when the connection is closed, cleanly or not. */
export async function closeOf(socket: Socket): Promise<void> {
  await new Promise<void>((settle) => {
    socket.once("close", () => settle());
  });
}

/** All bytes until the server closes the connection. */
export async function readToEnd(socket: Socket): Promise<string> {
  let received = "";
  socket.on("data", (chunk) => {
    received += String(chunk);
  });
  await closeOf(socket);
  return received;
}

/** All bytes until they contain a text. */
export async function readUntil(socket: Socket, text: string): Promise<string> {
  let received = "";
  return new Promise((settle, refuse) => {
    const read = (chunk: unknown) => {
      received += String(chunk);
      if (received.includes(text)) stop(() => settle(received));
    };
    const end = () => stop(() => refuse(new Error(`The connection ended before ${text}: ${received}`)));
    const stop = (then: () => void) => {
      socket.off("data", read).off("close", end);
      then();
    };
    socket.on("data", read).once("close", end);
  });
}

/** Sends a request and reads until the server closes the connection. */
export async function sendRaw(port: number, request: string): Promise<string> {
  const socket = await dial(port);
  const answer = readToEnd(socket);
  socket.write(request);
  return answer;
}

export function parseAnswer(answer: string) {
  const [head = "", body = ""] = answer.split("\r\n\r\n");
  const [statusLine = "", ...headerLines] = head.split("\r\n");
  const headers = new Headers(
    headerLines.map((line): [string, string] => [line.split(": ")[0] ?? "", line.split(": ")[1] ?? ""]),
  );
  return { statusLine, headers, body };
}

/** A fetch function whose requests run until the test ends them. */
export function slowFetch() {
  const finished = new EventEmitter();
  const requests = new EventEmitter();
  const started = once(requests, "started");
  const fetch: Fetch = async () => {
    const finish = once(finished, "finish");
    requests.emit("started");
    await finish;
    return new Response("done");
  };
  return { fetch, started, finish: () => finished.emit("finish") };
}

/** A fetch function that holds every request, except health checks, until the test releases it. */
export function heldFetch(answer = () => new Response("fine")) {
  const held: (() => void)[] = [];
  const fetch: Fetch = async ({ url }) => {
    if (!/\/health\/(?:live|ready)$/.test(new URL(url).pathname))
      await new Promise<void>((settle) => held.push(settle));
    return answer();
  };
  return {
    fetch,
    /** The number of held requests. */
    count: () => held.length,
    release: () => {
      for (const settle of held.splice(0)) settle();
    },
  };
}
