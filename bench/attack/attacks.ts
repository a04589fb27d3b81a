import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { Client, PASSWORD } from "./client.ts";

/** Attacks a server until the process ends. The pauses prevent the attack from using up the test machine itself. */
type Attack = (url: string, localAddress: string) => Promise<never>;

const MIB = 1_048_576;

async function opened(url: string, localAddress: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), localAddress });
  socket.on("error", () => {});
  await new Promise<void>((settle) => socket.once("connect", settle).once("close", () => settle()));
  return socket;
}

async function forever(pauseMs: number, act: () => Promise<unknown>): Promise<never> {
  for (;;) {
    await act();
    await delay(pauseMs);
  }
}

/** Pipelines requests on a connection and resets it before the responses. */
const pipelinedResets: Attack = async (url, localAddress) =>
  forever(200, async () => {
    const socket = await opened(url, localAddress);
    socket.write("GET /v1/posts?limit=1 HTTP/1.1\r\nHost: a\r\n\r\n".repeat(256), () => socket.resetAndDestroy());
  });

/** Requests large responses on connections that never read. */
const unreadAnswers: Attack = async (url, localAddress) => {
  const client = new Client(url, localAddress, 4);
  const { id, token } = await client.account("unread");
  const post = { title: "Large", content: "a".repeat(MIB), status: "published" };
  for (let count = 0; count < 4; count++) await client.call("POST", "/v1/posts", { token, body: post });
  const sockets = new Set<Socket>();
  return forever(20, async () => {
    if (sockets.size >= 300) return;
    const socket = await opened(url, localAddress);
    sockets.add(socket.once("close", () => sockets.delete(socket)).pause());
    socket.write(`GET /v1/posts?limit=${5 + (sockets.size % 96)}&author=${id} HTTP/1.1\r\nHost: a\r\n\r\n`);
  });
};

/** Sends passwords that are slow to normalise, and registrations and log-ins that are slow to hash. */
const costlyPasswords: Attack = async (url, localAddress) => {
  const client = new Client(url, localAddress, 32);
  const marks = `a${"\u0300".repeat(16_200)}${"\u0316".repeat(16_200)}`;
  let count = 0;
  return forever(100, async () => {
    const name = `hash${count++}`;
    const account = { name, email: `${name}@example.org` };
    const register = async (password: string) => client.call("POST", "/v1/users", { body: { ...account, password } });
    const logIn = async (password: string) =>
      client.call("POST", "/v1/sessions", { body: { email: account.email, password } });
    await Promise.all([register(marks), logIn(marks), register(PASSWORD), logIn(PASSWORD), logIn("another password")]);
  });
};

/** Sends JSON of some megabytes that is slow to parse. */
const costlyJson: Attack = async (url, localAddress) => {
  const client = new Client(url, localAddress, 4);
  const { token } = await client.account("json");
  const keys = `{${Array.from({ length: 560_000 }, (_, index) => `"${index.toString(36)}":0`).join(",")}}`;
  const arrays = `{"title":"a","content":[${`${"[".repeat(29)}${"]".repeat(29)},`.repeat(100_000)}0]}`;
  return forever(100, async () =>
    Promise.all([keys, arrays].map(async (body) => client.call("POST", "/v1/posts", { token, body }))),
  );
};

/** Creates accounts with many posts and deletes them, repeatedly. */
const bulkDeletions: Attack = async (url, localAddress) => {
  const client = new Client(url, localAddress, 16);
  let round = 0;
  return forever(1000, async () => {
    const { id, token } = await client.account(`bulk${process.pid}x${round++}`);
    for (let batch = 0; batch < 25; batch++) {
      const body = { title: "Bulk", content: "Some words.", status: "published" };
      await Promise.all(Array.from({ length: 16 }, async () => client.call("POST", "/v1/posts", { token, body })));
    }
    await client.call("DELETE", `/v1/users/${id}?posts=delete`, { token, body: { currentPassword: PASSWORD } });
  });
};

export const ATTACKS = { pipelinedResets, unreadAnswers, costlyPasswords, costlyJson, bulkDeletions };

// run.ts starts one process for each attack.
const [name = "", url = "", localAddress = ""] = process.argv.slice(2);
if (name in ATTACKS) await ATTACKS[name as keyof typeof ATTACKS](url, localAddress);
