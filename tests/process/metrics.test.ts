import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { METRICS } from "../../src/infrastructure/metrics/metric-definitions.ts";
import { recordProven } from "../../src/infrastructure/pglite/backup/proven-record.ts";
import { copyTemplate, createDatabase, databaseUrl } from "../support/test-storage.ts";
import { serveInProcess, type ServerInProcess } from "./in-process.ts";

const ANY_FREE_PORT = { QUIRE_METRICS_PORT: "0" };

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

describe("the metrics of a server with an embedded database", () => {
  let directory: string;
  let server: ServerInProcess;
  const scrape = async () => (await fetch(server.metricsUrl ?? "")).text();
  /** The value of a sample, such as `quire_engine_up` or `name{label="value"}`. */
  const valueOf = (text: string, sample: string) => {
    const line = text.split("\n").find((each) => each.startsWith(`${sample} `));
    return line === undefined ? null : Number(line.slice(sample.length + 1));
  };
  const api = async (method: string, path: string, body?: object, headers = {}) =>
    fetch(`${server.url}${path}`, {
      method,
      headers: { "Content-Type": "application/json", ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });

  beforeAll(async () => {
    directory = await copyTemplate();
    server = await serveInProcess(directory, ANY_FREE_PORT);
  });
  afterAll(async () => server.stop());

  it("are in the text format of Prometheus, with every defined metric", async () => {
    const response = await fetch(server.metricsUrl ?? "");
    expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
    const text = await response.text();
    const absent = METRICS.embedded.filter(({ name, type }) => !text.includes(`# TYPE ${name} ${type}\n`));
    expect(absent.map(({ name }) => name)).toEqual([]);
    expect(text).toContain("# TYPE quire_build_info gauge");
    expect(text).toContain("# TYPE nodejs_eventloop_lag_p99_seconds gauge");
    expect(valueOf(text, "quire_engine_up")).toBe(1);
    // Without a backup there is no time, and not the year 1970.
    expect(valueOf(text, "quire_backup_last_proven_timestamp_seconds")).toBeNull();
    expect(valueOf(text, "quire_disk_free_bytes")).toBeGreaterThan(0);
    expect(valueOf(text, "quire_wal_size_bytes")).toBeGreaterThan(0);
  });

  it("have the time of a backup that another process has proven", async () => {
    const createdAt = "2026-11-30T03:30:00.000Z";
    await recordProven(directory, { createdAt, location: "/backups/one.tar.gz" });
    const seconds = Date.parse(createdAt) / 1000;
    expect(valueOf(await scrape(), "quire_backup_last_proven_timestamp_seconds")).toBe(seconds);
  });

  it("count requests by their route and status, with one label for all paths without a route", async () => {
    await api("GET", "/v1/posts/00000000-0000-7000-8000-000000000001");
    await api("GET", "/v1/posts/00000000-0000-7000-8000-000000000002");
    await api("GET", "/nowhere");
    await api("GET", "/nowhere/else");
    const text = await scrape();
    const count = (labels: string) => valueOf(text, `quire_http_request_duration_seconds_count{${labels}}`);
    expect(count('method="GET",route="/v1/posts/:id",status="404"')).toBe(2);
    expect(count('method="GET",route="none",status="404"')).toBe(2);
  });

  it("count commits, their statements and flushes when posts are written, and the reads of the cache", async () => {
    const before = await scrape();
    const credentials = { email: "metrics@example.org", password: "correct horse" };
    await api("POST", "/v1/users", { name: "Metrics", ...credentials });
    const { token } = (await (await api("POST", "/v1/sessions", credentials)).json()) as { token: string };
    const post = { title: "Counted", content: "Counted.", status: "published" };
    const created = await api("POST", "/v1/posts", post, { Authorization: `Bearer ${token}` });
    const { id } = (await created.json()) as { id: string };
    await api("GET", `/v1/posts/${id}`);
    await api("GET", `/v1/posts/${id}`);
    const after = await scrape();
    const growth = (sample: string) => (valueOf(after, sample) ?? 0) - (valueOf(before, sample) ?? 0);
    // The user and the post. A log-in is a transaction of its own, and the search index adds commits at its own time.
    expect(growth("quire_engine_commits_total")).toBeGreaterThanOrEqual(2);
    expect(growth("quire_engine_commit_statements_total")).toBeGreaterThanOrEqual(2);
    expect(growth("quire_engine_commit_seconds_total")).toBeGreaterThan(0);
    expect(growth("quire_engine_fsyncs_total")).toBeGreaterThanOrEqual(3);
    expect(growth("quire_engine_fsync_seconds_total")).toBeGreaterThan(0);
    expect(growth("quire_wal_written_bytes_total")).toBeGreaterThan(0);
    expect(growth('quire_cache_reads_total{cache="posts",result="miss"}')).toBe(1);
    expect(growth('quire_cache_reads_total{cache="posts",result="hit"}')).toBe(1);
  });

  it("answer 404 on another path and 405 to another method", async () => {
    expect((await fetch(new URL("/", server.metricsUrl ?? ""))).status).toBe(404);
    expect((await fetch(server.metricsUrl ?? "", { method: "POST" })).status).toBe(405);
  });

  it("are not on the port of the API", async () => {
    expect((await api("GET", "/metrics")).status).toBe(404);
  });
});

describe("the metrics of a server on PostgreSQL", () => {
  it("show the pool, and nothing of an embedded database", async () => {
    const server = await serveInProcess("", { ...ANY_FREE_PORT, DATABASE_URL: databaseUrl(await createDatabase()) });
    const text = await (await fetch(server.metricsUrl ?? "")).text();
    expect(text).toMatch(/^quire_pool_size 10$/m);
    expect(text).toMatch(/^quire_pool_running \d+$/m);
    expect(text).not.toContain("quire_engine_");
    await server.stop();
  });
});

/** The built files that a program loads before it reads its configuration: itself and its static imports. */
function filesLoadedBy(program: URL): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const pending = [program];
  for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
    if (found.has(file.href)) continue;
    const text = readFileSync(file, "utf8");
    found.set(file.href, text);
    for (const [, path = ""] of text.matchAll(/^(?:import|export)\b[^;"]*"(\.[^"]+)"/gm))
      pending.push(new URL(path, file));
  }
  return found;
}

describe("a server without QUIRE_METRICS_PORT", () => {
  it("loads nothing of the metrics and traces, which are in chunks of their own", () => {
    const loaded = filesLoadedBy(new URL("../../dist/main.js", import.meta.url));
    const chunks = readdirSync(new URL("../../dist/chunks", import.meta.url));
    const withMetrics = chunks.filter((name) => /^(?:metrics|open-telemetry)-/.test(name));
    expect(withMetrics).toHaveLength(2);
    expect(loaded.size).toBeGreaterThan(3);
    for (const [file, text] of loaded) expect(text, file).not.toMatch(/prom-client|opentelemetry/);
  });

  it("has no port for metrics", async () => {
    const server = await serveInProcess(await copyTemplate());
    expect(server.metricsUrl).toBeNull();
    await server.stop();
  });
});

describe("the documents about metrics", () => {
  const definitions = [...new Set([...METRICS.embedded, ...METRICS.server])];
  const documented = read("docs/metrics.md");
  const known = new Set([
    ...definitions.map(({ name }) => name),
    ...["", "_count", "_sum", "_bucket"].map((suffix) => `quire_http_request_duration_seconds${suffix}`),
    "quire_build_info",
  ]);
  const namesIn = (text: string) => text.match(/\bquire_[a-z_]+[a-z]\b/g) ?? [];

  it("show each metric with its type, labels and meaning", () => {
    const rowOf = ({ name, type, labels = [], help }: (typeof definitions)[number]) => {
      const inEmbedded = METRICS.embedded.some((each) => each.name === name);
      const inServer = METRICS.server.some((each) => each.name === name);
      const storage = inEmbedded && inServer ? "both" : inEmbedded ? "embedded" : "server";
      return `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(", ")} | ${storage} | ${help} |`;
    };
    expect(definitions.map(rowOf).filter((row) => !documented.includes(row))).toEqual([]);
  });

  it.each(["docs/metrics.md", "examples/deploy/grafana-dashboard.json", "examples/deploy/alerts.yaml"])(
    "name no other metric in %s",
    (path) => {
      expect(namesIn(read(path)).filter((name) => !known.has(name))).toEqual([]);
    },
  );

  it("explain each alert and each message of the log in the runbook, and no others", () => {
    const runbook = read("docs/operations.md");
    const [alarms = ""] = runbook.split("\n## Alarms\n")[1]?.split("\n## ") ?? [];
    const rules = Array.from(
      read("examples/deploy/alerts.yaml").matchAll(/^ +- alert: (\w+)$/gm),
      ([, name = ""]) => name,
    );
    expect(rules.length).toBeGreaterThan(10);
    expect([...new Set(alarms.match(/\bQuire[A-Z]\w+/g) ?? [])].toSorted()).toEqual(rules.toSorted());
    const messages = Array.from(alarms.matchAll(/^\| `([a-z][^`]+)` \|/gm), ([, message = ""]) => message);
    const sources = readdirSync(new URL("../../src", import.meta.url), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => read(`src/${name}`))
      .join("\n");
    expect(messages.length).toBeGreaterThan(5);
    expect(messages.filter((message) => !sources.includes(`"${message}"`))).toEqual([]);
  });

  it("show every metric in the dashboard", () => {
    const shown = new Set(namesIn(read("examples/deploy/grafana-dashboard.json")));
    expect(definitions.map(({ name }) => name).filter((name) => !shown.has(name))).toEqual([]);
  });
});
