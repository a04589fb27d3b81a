import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import type { Readable } from "node:stream";

/** The program itself: the script of the package would not pass on signals. */
const { default: WORKERD } = createRequire(import.meta.url)("workerd") as { readonly default: string };

export interface RunningWorker {
  readonly url: string;
  /** The text on both streams since the start. */
  logged(): string;
  stop(): Promise<void>;
}

/** Starts workerd with a configuration in a folder, on a free port, and waits until it listens. */
export async function startWorker(
  folder: string,
  config: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<RunningWorker> {
  const options = ["serve", config, "--socket-addr", "http=127.0.0.1:0", "--control-fd=3"];
  const child = spawn(WORKERD, options, { cwd: folder, env: environment, stdio: ["ignore", "pipe", "pipe", "pipe"] });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk: Buffer) => (log += chunk.toString()));
  const ended = once(child, "exit");
  const port = await new Promise<number>((settle, refuse) => {
    let events = "";
    (child.stdio[3] as Readable).on("data", (chunk: Buffer) => {
      events += chunk.toString();
      const found = /"event":"listen".*"port":(\d+)/.exec(events)?.[1];
      if (found !== undefined) settle(Number(found));
    });
    void ended.then(([code]) => refuse(new Error(`workerd ended with ${String(code)}: ${log}`)));
  });
  return {
    url: `http://127.0.0.1:${port}`,
    logged: () => log,
    stop: async () => {
      child.kill("SIGTERM");
      await ended;
    },
  };
}
