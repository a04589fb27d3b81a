import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A reverse proxy that tests run in front of a server: nginx as in the example, HAProxy with its default settings. */
export interface ProxyProgram {
  readonly name: string;
  /** The reason why it cannot run here; `null` if it can. */
  readonly skipReason: string | null;
  /** Whether it keeps an idle connection to the server for as long as nginx, 60 seconds. */
  readonly keepsConnections: boolean;
  readonly start: (...serverPorts: readonly number[]) => Promise<RunningProxy>;
}

export interface RunningProxy {
  readonly port: number;
  end(): Promise<void>;
}

type Configuration = (directory: string, port: number, serverPorts: readonly number[]) => string;

const NGINX_EXAMPLE = readFileSync(new URL("../../examples/deploy/nginx.conf", import.meta.url), "utf8");

/** The example for nginx, without TLS and with other ports. */
const nginxConfiguration: Configuration = (directory, port, serverPorts) => `
daemon off;
master_process off;
pid ${directory}/pid;
error_log ${directory}/error.log info;
events {}
http {
  access_log off;
  client_body_temp_path ${directory};
  proxy_temp_path ${directory};
  fastcgi_temp_path ${directory};
  uwsgi_temp_path ${directory};
  scgi_temp_path ${directory};
  ${NGINX_EXAMPLE.replace("listen 443 ssl;", `listen 127.0.0.1:${port};`)
    .replaceAll(/^ *ssl_certificate.*;$/gm, "")
    .replace(/^ *server 127\S*:3000(.*;)\n *server 127\S*:3001.*;$/m, (_, parameters: string) =>
      serverPorts.map((each) => `server 127.0.0.1:${each}${parameters}`).join("\n"),
    )
    // A test sends more, to see the refusal of the server.
    .replace("client_max_body_size 7m;", "client_max_body_size 30m;")}
}
`;

const haproxyConfiguration: Configuration = (_, port, serverPorts) => `
defaults
  mode http
  option forwardfor
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen quire
  bind 127.0.0.1:${port}
${serverPorts.map((each, index) => `  server quire${index} 127.0.0.1:${each}`).join("\n")}
`;

export const PROXIES: readonly ProxyProgram[] = [
  program("nginx", ["-v"], ["-c"], nginxConfiguration, true),
  // It closes half of its idle connections every five seconds (pool-purge-delay).
  program("haproxy", ["-v"], ["-db", "-f"], haproxyConfiguration, false),
];

function program(
  name: string,
  versionOptions: readonly string[],
  startOptions: readonly string[],
  configuration: Configuration,
  keepsConnections: boolean,
): ProxyProgram {
  return {
    name,
    keepsConnections,
    skipReason: spawnSync(name, versionOptions).status === 0 ? null : `${name} is missing`,
    start: async (...serverPorts) => {
      const directory = await mkdtemp(join(tmpdir(), `quire-${name}-`));
      await chmod(directory, 0o777);
      const port = await freePort();
      const file = join(directory, "proxy.conf");
      await writeFile(file, configuration(directory, port, serverPorts));
      const child = spawn(name, [...startOptions, file], { stdio: ["ignore", "ignore", "pipe"] });
      let errors = "";
      child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
      while (!(await listens(port))) {
        if (child.exitCode === null) continue;
        const log = await readFile(join(directory, "error.log"), "utf8").catch(() => "");
        throw new Error(`${name} does not start: ${errors}${log}`);
      }
      return {
        port,
        end: async () => {
          const ended = once(child, "close");
          child.kill("SIGKILL");
          await ended;
          await rm(directory, { recursive: true });
        },
      };
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  return new Promise((settle) => {
    socket.once("error", () => setTimeout(() => settle(false), 20));
    socket.once("connect", () => {
      socket.destroy();
      settle(true);
    });
  });
}
