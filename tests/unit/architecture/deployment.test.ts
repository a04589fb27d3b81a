import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { validate } from "dockerfile-utils";
import { describe, expect, it } from "vitest";
import { CONFIG_VARIABLES, readConfig } from "../../../src/bootstrap/config.ts";
import { EXIT } from "../../../src/bootstrap/exit-codes.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const read = (name: string) => readFileSync(join(ROOT, name), "utf8");

const EXAMPLES = readdirSync(join(ROOT, "examples/deploy")).map((name) => `examples/deploy/${name}`);
const FILES = ["Dockerfile", "compose.yaml", "docs/deployment.md", ...EXAMPLES];

const dockerfile = read("Dockerfile");
const compose = read("compose.yaml");
const unit = read("examples/deploy/quire@.service");
const nginx = read("examples/deploy/nginx.conf");
const caddy = read("examples/deploy/Caddyfile");

/** The arguments of each instruction of a Dockerfile with a name. */
const instructions = (name: string) =>
  Array.from(dockerfile.matchAll(new RegExp(`^${name} (.*)$`, "gm")), ([, text = ""]) => text);

const assignments = (text: string) =>
  Object.fromEntries(Array.from(text.matchAll(/(?:^|\s|=)([A-Z_]+)=(\S+)/g), ([, name = "", raw = ""]) => [name, raw]));

/** The variables that each file sets for the server. */
const SETTINGS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Dockerfile: assignments(instructions("ENV").join(" ")),
  "compose.yaml": Object.fromEntries(
    Array.from(
      (compose.split("\n  postgres:")[0] ?? "").matchAll(/^ {6}([A-Z_]+): (.*)$/gm),
      ([, name = "", raw = ""]) => [name, raw.replaceAll(/\$\{[^}]*\}/g, "secret")],
    ),
  ),
  "quire@.service": assignments(
    Array.from(unit.matchAll(/^Environment=(.*)$/gm), ([, text = ""]) => ` ${text.replaceAll("%i", "3000")}`).join(""),
  ),
};

describe("the files of a deployment", () => {
  it.each(FILES)("%s names only variables of the configuration", (name) => {
    const named = read(name).match(/\b(?:QUIRE|DATABASE)_[A-Z_]+\b/g) ?? [];
    expect(named.filter((variable) => !CONFIG_VARIABLES.includes(variable))).toEqual([]);
  });

  it.each(Object.entries(SETTINGS))("%s sets valid values of variables of the configuration", (_, settings) => {
    const { NODE_ENV: _environment, ...variables } = settings;
    expect(Object.keys(variables).length).toBeGreaterThan(1);
    expect(Object.keys(variables).filter((variable) => !CONFIG_VARIABLES.includes(variable))).toEqual([]);
    expect(readConfig(variables).isOk()).toBe(true);
  });
});

describe("the Dockerfile", () => {
  it("passes its linter, which finds a mistake", () => {
    expect(validate(dockerfile)).toEqual([]);
    expect(validate(dockerfile.replace("WORKDIR /app", "WORKDIR"))).not.toEqual([]);
  });

  it("runs as an unprivileged user, with its data on a volume and a health check", () => {
    const last = dockerfile.split(/^FROM /m).at(-1) ?? "";
    expect(last).toMatch(/^USER node$/m);
    expect(last).toMatch(/^HEALTHCHECK .*\/health\/ready/m);
    const [volume = ""] = instructions("VOLUME");
    expect(SETTINGS["Dockerfile"]).toMatchObject({ QUIRE_DATA_DIR: `${volume}/data`, HOST: "0.0.0.0" });
    expect(last).toContain(`--chown=node:node /data ${volume}\n`);
  });

  it("copies files that exist, and .dockerignore leaves exactly these in the context", () => {
    const copied = instructions("COPY")
      .filter((text) => !text.startsWith("--from"))
      .flatMap((text) => text.split(" ").slice(0, -1));
    expect(copied.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
    const kept = Array.from(read(".dockerignore").matchAll(/^!(.*)$/gm), ([, path]) => path);
    expect(new Set(copied)).toEqual(new Set(kept));
  });

  it("starts the program of the package", () => {
    const [entry = ""] = instructions("ENTRYPOINT");
    const { bin } = JSON.parse(read("package.json")) as { bin: { quire: string } };
    expect(JSON.parse(entry)).toEqual(["node", bin.quire]);
  });
});

describe("the unit of systemd", () => {
  it("does not restart after a failure that needs a person", () => {
    const [, codes = ""] = /^RestartPreventExitStatus=(.*)$/m.exec(unit) ?? [];
    const { usage, dataError, cannotCreate, config } = EXIT;
    expect(codes.split(" ").map(Number)).toEqual([usage, dataError, cannotCreate, config]);
  });
});

describe("the examples of proxies", () => {
  const { http, keepAliveMs } = readConfig({})._unsafeUnwrap();
  const seconds = (text: string, setting: RegExp) => Number(setting.exec(text)?.[1]);

  it("close an idle connection before the server does", () => {
    expect(seconds(nginx, /keepalive_timeout (\d+)s;/) * 1000).toBeLessThan(keepAliveMs);
    expect(seconds(caddy, /keepalive (\d+)s/) * 1000).toBeLessThan(keepAliveMs);
  });

  it("wait longer for an answer than the deadline of a request", () => {
    expect(seconds(nginx, /proxy_read_timeout (\d+)s;/) * 1000).toBeGreaterThan(http.requestTimeoutMs);
    expect(seconds(caddy, /response_header_timeout (\d+)s/) * 1000).toBeGreaterThan(http.requestTimeoutMs);
  });
});
