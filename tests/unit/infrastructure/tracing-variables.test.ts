import { describe, expect, it } from "vitest";
import { wantsTraces } from "../../../src/infrastructure/tracing/tracing-variables.ts";

const ENDPOINT = "http://127.0.0.1:4318";

describe("wantsTraces", () => {
  it.each([
    { OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT },
    { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${ENDPOINT}/v1/traces` },
    { OTEL_TRACES_EXPORTER: "otlp" },
    { OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, OTEL_SDK_DISABLED: "false", OTEL_TRACES_EXPORTER: "" },
  ])("is true for %o", (variables) => expect(wantsTraces(variables)).toBe(true));

  it.each([
    {},
    { OTEL_SERVICE_NAME: "blog" },
    { OTEL_EXPORTER_OTLP_ENDPOINT: "" },
    { OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, OTEL_TRACES_EXPORTER: "none" },
    { OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, OTEL_SDK_DISABLED: "TRUE" },
  ])("is false for %o", (variables) => expect(wantsTraces(variables)).toBe(false));
});
