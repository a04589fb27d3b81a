import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import type { PostgresServer } from "./postgres-server.ts";

/** A separate host in the network, on which a server can be reached. */
export interface VanishingHost {
  readonly address: string;
  readonly port: number;
  /** Removes the host from the network: it no longer answers, and no packet reports that. */
  vanish(): void;
  remove(): Promise<void>;
}

const PORT = 5555;

/** A relay from the network namespace to the server's Unix socket, which network namespaces share. */
const RELAY = `
  const { connect, createServer } = require("node:net");
  const [address, port, path] = process.argv.slice(1);
  createServer((client) => {
    const server = connect(path);
    client.pipe(server).pipe(client);
    for (const [end, other] of [[client, server], [server, client]]) {
      end.on("error", () => other.destroy());
      end.on("close", () => other.destroy());
    }
  }).listen(Number(port), address, () => console.log("listening"));
`;

/** The reason why such a host cannot exist here; `null` if it can. */
export function namespaceSkipReason(): string | null {
  if (process.getuid?.() !== 0) return "network namespaces need root";
  const probe = `quire-probe-${process.pid}`;
  try {
    ip("netns", "add", probe);
    ip("netns", "delete", probe);
    return null;
  } catch {
    return "ip is not in the PATH, or may not create network namespaces";
  }
}

export async function startVanishingHost(server: PostgresServer): Promise<VanishingHost> {
  const id = `q${process.pid % 100_000}`;
  const [inner, outer] = [`${id}i`, `${id}o`];
  // An address of the block for network benchmarks (RFC 2544), which no host uses.
  const subnet = `198.18.${process.pid % 256}`;
  const address = `${subnet}.2`;
  ip("netns", "add", id);
  ip("link", "add", outer, "type", "veth", "peer", "name", inner);
  ip("link", "set", inner, "netns", id);
  ip("addr", "add", `${subnet}.1/30`, "dev", outer);
  ip("link", "set", outer, "up");
  ip("-n", id, "addr", "add", `${address}/30`, "dev", inner);
  ip("-n", id, "link", "set", inner, "up");
  const path = `/tmp/.s.PGSQL.${server.port}`;
  const relay = spawn("ip", ["netns", "exec", id, process.execPath, "-e", RELAY, address, String(PORT), path]);
  await Promise.race([
    once(relay.stdout, "data"),
    once(relay, "exit").then(() => {
      throw new Error("The relay does not start.");
    }),
  ]);
  return {
    address,
    port: PORT,
    vanish: () => ip("-n", id, "link", "set", inner, "down"),
    remove: async () => {
      relay.kill("SIGKILL");
      if (relay.exitCode === null && relay.signalCode === null) await once(relay, "exit");
      // The interface is removed with the namespace.
      ip("netns", "delete", id);
    },
  };
}

function ip(...words: readonly string[]): void {
  execFileSync("ip", words, { stdio: "ignore" });
}
