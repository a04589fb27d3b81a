type Variables = Readonly<Record<string, string | undefined>>;

/** Whether the variables of OpenTelemetry ask for traces: an endpoint or the exporter `otlp`, and not `OTEL_SDK_DISABLED`. */
export function wantsTraces(variables: Variables): boolean {
  const { OTEL_SDK_DISABLED: disabled, OTEL_TRACES_EXPORTER: exporter } = variables;
  if (disabled?.toLowerCase() === "true") return false;
  if (exporter !== undefined && exporter !== "") return exporter === "otlp";
  return [variables["OTEL_EXPORTER_OTLP_ENDPOINT"], variables["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]].some(
    (endpoint) => endpoint !== undefined && endpoint !== "",
  );
}
