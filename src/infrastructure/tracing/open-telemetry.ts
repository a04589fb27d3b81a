import { setTimeout as delay } from "node:timers/promises";
import {
  context,
  diag,
  DiagLogLevel,
  propagation,
  SpanKind,
  SpanStatusCode,
  trace,
  type Span,
} from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import type { Log } from "../../application/ports/log.ts";
import { statementChannel } from "../drizzle/statement-channel.ts";

/** The names of attributes in the semantic conventions of OpenTelemetry. */
const METHOD = "http.request.method";
const PATH = "url.path";
const ROUTE = "http.route";
const STATUS = "http.response.status_code";
const ERROR_TYPE = "error.type";
const DATABASE = "db.system.name";
const OPERATION = "db.operation.name";

/** A collector that does not answer must not delay the end of the process. */
const MAX_SHUTDOWN_MS = 2000;
const LOG_INTERVAL_MS = 60_000;
/** Orchestrators probe it every few seconds. */
const HEALTH_CHECK = /\/health(?:\/|$)/;
const MIN_SERVER_ERROR = 500;

type Fetch<Bindings> = (request: Request, bindings: Bindings) => Response | Promise<Response>;
type AnyFunction = (...args: never[]) => unknown;

export interface Tracing {
  /** A span for each request but health checks. It continues the trace of the header `traceparent`. */
  readonly traceRequests: <Bindings>(fetch: Fetch<Bindings>) => Fetch<Bindings>;
  /** Names the span of the request that runs by its route. */
  readonly noteRoute: (request: { readonly method: string; readonly route: string }) => void;
  /** A span for each call of a function. */
  readonly traceCalls: <Functions extends Readonly<Record<string, AnyFunction>>>(functions: Functions) => Functions;
  /** Sends the last spans. */
  readonly shutDown: () => Promise<void>;
}

/**
 * Traces by OpenTelemetry: request, use case, statement. The environment variables of OpenTelemetry configure the exporter (OTLP
 * over HTTP, as JSON), the sampler, the batches and the resource.
 */
export function openTelemetry(version: string, log: Log): Tracing {
  reportFailures(log);
  const own = resourceFromAttributes({ "service.name": "quire", "service.version": version });
  const resource = own.merge(detectResources({ detectors: [envDetector] }));
  const provider = new NodeTracerProvider({
    resource,
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
  });
  provider.register();
  const tracer = trace.getTracer("quire", version);
  traceStatements();

  return {
    traceRequests: (fetch) => async (request, bindings) => {
      const { pathname } = new URL(request.url);
      if (HEALTH_CHECK.test(pathname)) return fetch(request, bindings);
      const parent = propagation.extract(context.active(), request.headers, HEADERS);
      const attributes = { [METHOD]: request.method, [PATH]: pathname };
      return tracer.startActiveSpan(request.method, { kind: SpanKind.SERVER, attributes }, parent, async (span) =>
        ending(span, async () => {
          const response = await fetch(request, bindings);
          span.setAttribute(STATUS, response.status);
          if (response.status >= MIN_SERVER_ERROR) span.setStatus({ code: SpanStatusCode.ERROR });
          return response;
        }),
      );
    },
    noteRoute: ({ method, route }) =>
      trace.getActiveSpan()?.updateName(`${method} ${route}`).setAttribute(ROUTE, route),
    traceCalls: (functions) => {
      const traced = Object.entries(functions).map(([name, call]) => [
        name,
        async (...args: never[]) =>
          tracer.startActiveSpan(name, async (span) =>
            ending(span, async () => {
              const outcome = await call(...args);
              noteError(span, outcome);
              return outcome;
            }),
          ),
      ]);
      return Object.fromEntries(traced) as typeof functions;
    },
    shutDown: async () => Promise.race([provider.shutdown(), delay(MAX_SHUTDOWN_MS, undefined, { ref: false })]),
  };
}

const HEADERS = {
  keys: (headers: Headers) => [...headers.keys()],
  get: (headers: Headers, key: string) => headers.get(key) ?? undefined,
};

async function ending<T>(span: Span, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    span.recordException(thrown instanceof Error ? thrown : String(thrown));
    span.setStatus({ code: SpanStatusCode.ERROR });
    throw thrown;
  } finally {
    span.end();
  }
}

/** Notes the kind of the error in a Result. Only a failure of the storage is a failure of the program. */
function noteError(span: Span, outcome: unknown): void {
  if (typeof outcome !== "object" || outcome === null || !("error" in outcome)) return;
  const { error } = outcome;
  if (typeof error !== "object" || error === null || !("kind" in error)) return;
  span.setAttribute(ERROR_TYPE, String(error.kind));
  if (error.kind === "storage_failure") span.setStatus({ code: SpanStatusCode.ERROR });
}

function traceStatements(): void {
  const tracer = trace.getTracer("quire");
  const spans = new WeakMap<object, Span>();
  statementChannel.subscribe({
    start: (statement) => {
      const { operation } = statement;
      const attributes = { [DATABASE]: "postgresql", [OPERATION]: operation };
      spans.set(statement, tracer.startSpan(operation, { kind: SpanKind.CLIENT, attributes }));
    },
    end: () => {},
    asyncStart: () => {},
    asyncEnd: (statement) => spans.get(statement)?.end(),
    error: (statement) => spans.get(statement)?.setStatus({ code: SpanStatusCode.ERROR }),
  });
}

function ignore(): void {}

/** Logs failures of the exporter, once a minute at most. */
function reportFailures(log: Log): void {
  let loggedAt = Number.NEGATIVE_INFINITY;
  const report = (detail: string) => {
    if (performance.now() - loggedAt < LOG_INTERVAL_MS) return;
    loggedAt = performance.now();
    log.warn({ detail }, "traces were not sent");
  };
  diag.setLogger({ error: report, warn: report, info: ignore, debug: ignore, verbose: ignore }, DiagLogLevel.WARN);
}
