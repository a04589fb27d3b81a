import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * A reverse proxy that tests run in front of a server. It has its default settings, except those that make it a reverse
 * proxy.
 */
export interface ProxyProgram {
  readonly name: string;
  /** The reason why it cannot run here; `null` if it can. */
  readonly skipReason: string | null;
  /** Whether it keeps an idle connection to the server for as long as nginx, 60 seconds. */
  readonly keepsConnections: boolean;
  readonly start: (serverPort: number) => Promise<RunningProxy>;
}

export interface RunningProxy {
  readonly port: number;
  end(): Promise<void>;
}

type Configuration = (directory: string, port: number, serverPort: number) => string;

/** The manual's example of a proxy that keeps its connections (ngx_http_upstream_module, keepalive). */
const nginxConfiguration: Configuration = (directory, port, serverPort) => `
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
  upstream quire {
    server 127.0.0.1:${serverPort};
    keepalive 64;
  }
  server {
    listen 127.0.0.1:${port};
    client_max_body_size 30m;
    location / {
      proxy_pass http://quire;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }
  }
}
`;

const haproxyConfiguration: Configuration = (_, port, serverPort) => `
defaults
  mode http
  option forwardfor
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen quire
  bind 127.0.0.1:${port}
  server quire 127.0.0.1:${serverPort}
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
    start: async (serverPort) => {
      const directory = await mkdtemp(join(tmpdir(), `quire-${name}-`));
      await chmod(directory, 0o777);
      const port = await freePort();
      const file = join(directory, "proxy.conf");
      await writeFile(file, configuration(directory, port, serverPort));
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
