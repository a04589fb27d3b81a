import { Histogram, Registry } from "prom-client";
import { describe, expect, it } from "vitest";
import { requestHistogram } from "../../../src/infrastructure/metrics/request-histogram.ts";

const NAME = "quire_http_request_duration_seconds";
const REQUESTS = [0, 0.0005, 0.00051, 0.003, 0.25, 9.75, 10, 12.5].flatMap((seconds) => [
  { method: "GET", route: "/v1/posts/:id", status: 200, seconds },
  { method: "POST", route: "/v1/posts", status: 201, seconds: seconds * 2 },
  { method: "GET", route: "none", status: 404, seconds: seconds / 4 },
]);

const linesOf = (text: string) =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .toSorted();

describe("the histogram of requests", () => {
  it("has the same text as the histogram of prom-client", async () => {
    const { observe, text } = requestHistogram();
    for (const request of REQUESTS) observe(request);
    const bounds = Array.from(text().matchAll(/le="([\d.]+)",method="POST"/g), ([, bound]) => Number(bound));
    const registry = new Registry();
    const expected = new Histogram({
      name: NAME,
      help: "Requests and their durations, by method, route and status.",
      labelNames: ["method", "route", "status"],
      buckets: bounds,
      registers: [registry],
    });
    for (const { seconds, status, ...labels } of REQUESTS)
      expected.observe({ ...labels, status: String(status) }, seconds);
    expect(bounds.length).toBeGreaterThan(10);
    expect(linesOf(text())).toEqual(linesOf(await registry.metrics()));
  });

  it("has no sample before the first request", () => {
    expect(linesOf(requestHistogram().text())).toEqual([
      `# HELP ${NAME} Requests and their durations, by method, route and status.`,
      `# TYPE ${NAME} histogram`,
    ]);
  });
});
