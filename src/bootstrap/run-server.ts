import { err, type Result } from "neverthrow";
import { pinoLog } from "../infrastructure/node/pino-log.ts";
import { loadConfig } from "./config.ts";
import type { StopSignals } from "./process-end.ts";
import type { ProcessFailure } from "./process-failure.ts";
import { serve } from "./serve.ts";

/** Runs the server that the environment configures until a signal stops it or it fails. */
export async function runServer(signals: StopSignals): Promise<Result<void, ProcessFailure>> {
  const config = loadConfig();
  if (config.isErr()) return err(config.error);
  const log = pinoLog(config.value.logLevel);
  const started = await serve(config.value, log);
  if (started.isErr()) return err(started.error);
  const server = started.value;
  const stopped = signals.first().then(async (signal) => {
    log.info({ signal }, "stopping");
    const closed = await server.close();
    if (closed.isOk()) log.info({}, "stopped");
    return closed;
  });
  const { url, metricsUrl, location } = server;
  const lines = [
    `Quire listens on ${url}, with its data in ${location} (process ${process.pid})`,
    `Its API is documented at ${config.value.http.publicUrl ?? url}/docs`,
    ...(metricsUrl === null ? [] : [`Its metrics are at ${metricsUrl}`]),
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
  return Promise.race([stopped, server.failed.then((failure) => err(failure))]);
}
