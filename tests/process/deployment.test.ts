import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { whyNoCertificate } from "../support/tls-server.ts";

const EXAMPLES = new URL("../../examples/deploy/", import.meta.url);
const example = (name: string) => readFileSync(new URL(name, EXAMPLES), "utf8");
/** The exposure that docs/deployment.md names, times ten. */
const MAX_EXPOSURE = 15;

const directory = mkdtempSync(join(tmpdir(), "quire-deploy-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** Runs a program. Fails with its output unless it ends with 0. */
function accept(program: string, ...options: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(program, options, {
    encoding: "utf8",
    env: { ...process.env, HOME: directory },
  });
  expect(status, stdout + stderr).toBe(0);
}

/** The reason why a program cannot run here; `null` if it can. */
const whyNot = (program: string, option: string): string | null =>
  spawnSync(program, [option]).error === undefined ? null : `there is no ${program} in the PATH`;

/** Appends the reason to a title. */
const because = (reason: string | null) => (reason === null ? "" : ` (skipped: ${reason})`);

const whyNoSystemd = whyNot("systemd-analyze", "--version");
describe.skipIf(whyNoSystemd !== null)(`the unit of systemd${because(whyNoSystemd)}`, () => {
  const unit = (text: string) => {
    const file = join(directory, "quire@3000.service");
    // A unit may name only a program that exists.
    writeFileSync(file, text.replace("ExecStart=/opt/quire/bin/quire", `ExecStart=${process.execPath}`));
    return file;
  };

  /** The lines about the unit itself. A mistake is only a warning. */
  const verified = (text: string) => {
    const { stderr } = spawnSync("systemd-analyze", ["verify", unit(text)], { encoding: "utf8" });
    return stderr.split("\n").filter((line) => line.includes("quire@"));
  };

  it("is verified by systemd-analyze, which finds a mistake", () => {
    const text = example("quire@.service");
    expect(verified(text)).toEqual([]);
    expect(verified(text.replace("Restart=on-failure", "Restart=maybe"))).toHaveLength(1);
  });

  it("has at most the exposure that docs/deployment.md names", () => {
    const options = ["security", "--offline=true", "--no-pager", `--threshold=${MAX_EXPOSURE}`];
    accept("systemd-analyze", ...options, unit(example("quire@.service")));
  });
});

const whyNoNginx = whyNot("nginx", "-v") ?? whyNoCertificate;
describe.skipIf(whyNoNginx !== null)(`the example for nginx${because(whyNoNginx)}`, () => {
  it("is valid as it stands, with a certificate", () => {
    const [certificate, key] = [join(directory, "quire.pem"), join(directory, "quire.key")];
    const files = ["-keyout", key, "-out", certificate, "-subj", "/CN=quire.example.org"];
    execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", ...files], {
      stdio: "ignore",
    });
    const server = example("nginx.conf")
      .replace("/etc/ssl/quire.example.org.pem", certificate)
      .replace("/etc/ssl/quire.example.org.key", key);
    const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${directory};`);
    const config = join(directory, "nginx.conf");
    const http = `access_log off; ${paths.join(" ")}\n${server}`;
    writeFileSync(config, `pid ${directory}/pid; error_log stderr; events {}\nhttp { ${http} }`);
    accept("nginx", "-t", "-e", "stderr", "-c", config);
  });
});

const whyNoCaddy = whyNot("caddy", "version");
describe.skipIf(whyNoCaddy !== null)(`the example for Caddy${because(whyNoCaddy)}`, () => {
  it("is valid as it stands", () => {
    const config = join(directory, "Caddyfile");
    writeFileSync(config, example("Caddyfile"));
    accept("caddy", "validate", "--adapter", "caddyfile", "--config", config);
  });
});
