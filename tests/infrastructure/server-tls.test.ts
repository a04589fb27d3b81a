import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { serverClient, type ServerClient } from "../../src/infrastructure/postgresql/client/client.ts";
import { parseServerUrl } from "../../src/infrastructure/postgresql/client/server-url.ts";
import type { PostgresServer } from "../support/postgres-server.ts";
import { serverDefaults } from "../support/test-storage.ts";
import { startTlsServer, whyNoCertificate } from "../support/tls-server.ts";

let server: PostgresServer;
let certificate: string;
const clients: ServerClient[] = [];

beforeAll(async () => {
  if (whyNoCertificate !== null) return;
  ({ server, certificate } = await startTlsServer("DNS:localhost,IP:127.0.0.1"));
});
beforeEach(({ skip }) => skip(whyNoCertificate !== null, whyNoCertificate ?? ""));
afterEach(async () => {
  for (const client of clients.splice(0)) await client.end(1000);
});
afterAll(async () => {
  if (whyNoCertificate === null) await server.stop();
});

/** Returns true if the server reports the connection as encrypted. */
async function isSecured(host: string, parameters: string): Promise<boolean> {
  const url = `postgres://postgres:postgres@${host}:${server.port}/postgres?${parameters}`;
  const client = serverClient({ ...serverDefaults, server: parseServerUrl(url)._unsafeUnwrap(), poolSize: 1 });
  clients.push(client);
  const rows = (await client.unsafe("select ssl from pg_stat_ssl where pid = pg_backend_pid()")) as { ssl: boolean }[];
  return rows[0]?.ssl === true;
}

describe("a connection to a server that speaks TLS", () => {
  it.each([
    ["sslmode=require", true],
    ["sslmode=require&target_session_attrs=primary", true],
    ["sslmode=prefer", true],
    ["sslmode=disable", false],
    ["sslmode=require&sslnegotiation=direct", true],
  ])("with %s is encrypted: %s", async (parameters, secured) => {
    expect(await isSecured("127.0.0.1", parameters)).toBe(secured);
  });

  it.each(["localhost", "127.0.0.1"])("is verified for a name in the certificate: %s", async (host) => {
    expect(await isSecured(host, `sslmode=verify-full&sslrootcert=${certificate}`)).toBe(true);
  });

  it("is rejected by verify-full and accepted by verify-ca when the certificate has another name", async () => {
    // The certificate does not contain the IPv4-mapped IPv6 address of the server.
    const [host, root] = ["[::ffff:127.0.0.1]", `sslrootcert=${certificate}`];
    await expect(isSecured(host, `sslmode=verify-full&${root}`)).rejects.toThrow(
      // Node 22 does not take the address for an IP address, and rejects it as a name.
      /is not in the cert's (?:list|altnames)/,
    );
    expect(await isSecured(host, `sslmode=verify-ca&${root}`)).toBe(true);
  });

  it.each([
    ["accepts TLS", "S"],
    ["sends nothing", ""],
  ])("fails after the connect timeout when the server %s and then stays silent", async (_case, answer) => {
    const silent = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.write(answer));
    }).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    const url = parseServerUrl(`postgres://postgres@127.0.0.1:${port}/postgres?sslmode=require`)._unsafeUnwrap();
    const client = serverClient({ ...serverDefaults, server: url, connectTimeoutMs: 300 });
    await expect(client.unsafe("select 1")).rejects.toMatchObject({ code: "08001", message: "CONNECT_TIMEOUT" });
    await client.end(0);
    silent.close();
  });

  it.each([
    ["the name of the host", "localhost", "localhost"],
    ["nothing for an IP address", "127.0.0.1", false],
  ])("sends %s as the server name of TLS (SNI)", async (_case, host, expected) => {
    const [cert, key] = [readFileSync(certificate), readFileSync(join(server.directory, "server.key"))];
    const selecting = createTlsServer({ cert, key, ALPNProtocols: ["postgresql"] }).listen(0, host);
    await once(selecting, "listening");
    const { port } = selecting.address() as AddressInfo;
    const parameters = "sslmode=require&sslnegotiation=direct";
    const url = parseServerUrl(`postgres://postgres@${host}:${port}/postgres?${parameters}`)._unsafeUnwrap();
    const client = serverClient({ ...serverDefaults, server: url, poolSize: 1 });
    const connected = once(selecting, "secureConnection");
    const refused = expect(client.unsafe("select 1")).rejects.toThrow();
    const [socket] = (await connected) as [TLSSocket & { readonly servername: string | false }];
    expect(socket.servername).toBe(expected);
    socket.destroy();
    await client.end(0);
    await refused;
    selecting.close();
  });

  it("is rejected when no trusted authority has signed the certificate", async () => {
    await expect(isSecured("localhost", "sslmode=verify-full")).rejects.toThrow("self-signed certificate");
  });
});
