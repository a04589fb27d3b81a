import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { copyTemplate } from "../support/test-storage.ts";
import { startServer, type RunningServer } from "./server.ts";

/** A span as OTLP sends it in JSON. */
interface Span {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly attributes: readonly { readonly key: string; readonly value: object }[];
}

interface Export {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: Span["attributes"] };
    readonly scopeSpans: readonly { readonly spans: readonly Span[] }[];
  }[];
}

async function startCollector() {
  const exports: Export[] = [];
  const server = createServer((request, response) => {
    const receive = async () => {
      const body = await text(request);
      if (request.url === "/v1/traces") exports.push(JSON.parse(body) as Export);
      response.setHeader("Content-Type", "application/json").end("{}");
    };
    void receive();
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  const resources = () => exports.flatMap(({ resourceSpans }) => resourceSpans);
  return {
    url: `http://127.0.0.1:${port}`,
    spans: () => resources().flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
    resource: () => resources()[0]?.resource.attributes ?? [],
    stop: async () => new Promise((stopped) => server.close(stopped)),
  };
}

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const REMOTE = "b7ad6b7169203331";

describe("a server with the variables of OpenTelemetry", () => {
  let collector: Awaited<ReturnType<typeof startCollector>>;
  let server: RunningServer;

  beforeAll(async () => {
    collector = await startCollector();
    server = await startServer(await copyTemplate(), {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_SERVICE_NAME: "blog",
      // The test ends the server, which sends the spans.
      OTEL_BSP_SCHEDULE_DELAY: "60000",
      // A list is read from the database each time.
      QUIRE_CACHE_MIB: "0",
    });
    await fetch(`${server.url}/health/ready`);
    await fetch(`${server.url}/v1/posts?limit=1&sort=title`, { headers: { traceparent: `00-${TRACE}-${REMOTE}-01` } });
    await fetch(`${server.url}/v1/posts/00000000-0000-7000-8000-000000000001`);
    const { exitCode } = await server.end("SIGTERM");
    expect(exitCode).toBe(0);
  });
  afterAll(async () => collector.stop());

  const spanNamed = (name: string) => collector.spans().find((span) => span.name === name);
  const valueOf = (attributes: Span["attributes"], key: string) =>
    Object.values(attributes.find((attribute) => attribute.key === key)?.value ?? {})[0] as unknown;

  it("sends a span of the request, of its use case and of its statement, in the trace of the client", () => {
    const request = spanNamed("GET /v1/posts");
    const useCase = spanNamed("listPosts");
    const statement = spanNamed("posts.list");
    expect([request?.traceId, useCase?.traceId, statement?.traceId]).toEqual([TRACE, TRACE, TRACE]);
    expect(request?.parentSpanId).toBe(REMOTE);
    expect(useCase?.parentSpanId).toBe(request?.spanId);
    expect(statement?.parentSpanId).toBe(useCase?.spanId);
    expect(valueOf(request?.attributes ?? [], "http.route")).toBe("/v1/posts");
    expect(valueOf(request?.attributes ?? [], "http.response.status_code")).toBe(200);
    expect(valueOf(statement?.attributes ?? [], "db.system.name")).toBe("postgresql");
  });

  it("notes the kind of the error of a use case, and no trace of a health check or of a query", () => {
    expect(valueOf(spanNamed("getPost")?.attributes ?? [], "error.type")).toBe("post_not_found");
    const sent = JSON.stringify(collector.spans());
    expect(sent).not.toContain("health");
    expect(sent).not.toContain("sort=title");
  });

  it("names the service as the environment says", () => {
    expect(valueOf(collector.resource(), "service.name")).toBe("blog");
  });
});
