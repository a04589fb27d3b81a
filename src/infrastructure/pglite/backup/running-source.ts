import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { err, ok, type Result } from "neverthrow";
import { fail } from "../../../domain/shared/fail.ts";
import { describeError } from "../../node/describe-error.ts";
import { parseLsn } from "../../sql/lsn.ts";
import type { BackupSource, BackupSourceFailed } from "./backup-source.ts";
import { BackupReply, type BackupRequest } from "./messages.ts";
import { socketPath } from "./socket-path.ts";

/** A reply waits for the engine, which may be busy for the time of a checkpoint or a vacuum. */
const REPLY_TIMEOUT_MS = 120_000;

/** The source of a directory that another process uses: the running server, which is asked on its socket. */
export async function runningSource(directory: string): Promise<Result<BackupSource, BackupSourceFailed>> {
  const failed = (reason: BackupSourceFailed["reason"], detail: string) =>
    fail({ kind: "backup_source_failed", directory, reason, detail });
  const connected = await connectTo(directory);
  if (connected.isErr()) {
    return failed(
      "busy",
      `the process that uses it does not answer on its socket, or its server is still starting (${connected.error})`,
    );
  }
  const socket = connected.value;
  const exchange = exchangeOn(socket);
  const ask = async (request: BackupRequest["request"]): Promise<Result<BackupReply, BackupSourceFailed>> => {
    const reply = await exchange(request);
    if (reply === null) return failed("failed", "the server closed the connection or did not answer");
    return reply.reply === "refused" ? failed(reply.reason, reply.detail) : ok(reply);
  };
  const begun = (await ask("begin")).andThen((reply) =>
    reply.reply === "begun" ? ok(reply) : failed("failed", "the server sent an unexpected reply"),
  );
  if (begun.isErr()) {
    socket.destroy();
    return err(begun.error);
  }
  return ok({
    control: Buffer.from(begun.value.control, "base64"),
    finish: async () =>
      (await ask("finish")).andThen((reply) => {
        const lsn = reply.reply === "finished" ? parseLsn(reply.lsn) : null;
        if (lsn === null) return failed("failed", "the server sent an unexpected reply");
        return ok({ position: lsn, logEnd: lsn });
      }),
    end: async () => (await ask("end")).map(() => undefined),
    release: () => socket.destroy(),
  });
}

async function connectTo(directory: string): Promise<Result<Socket, string>> {
  try {
    const address = socketPath(directory);
    const socket = connect(address.path);
    await once(socket, "connect").finally(() => address.close());
    return ok(socket);
  } catch (cause) {
    return err(describeError(cause));
  }
}

/** Sends one request at a time, and receives its reply; `null` when the connection has ended. */
function exchangeOn(socket: Socket) {
  // A lost connection ends the lines.
  socket.on("error", () => socket.destroy());
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  return async (request: BackupRequest["request"]): Promise<BackupReply | null> => {
    const timer = setTimeout(() => socket.destroy(), REPLY_TIMEOUT_MS);
    try {
      socket.write(`${JSON.stringify({ request })}\n`);
      const line = await lines.next();
      return line.done === true ? null : BackupReply.parse(JSON.parse(line.value));
    } catch {
      return null;
    } finally {
      clearTimeout(timer);
    }
  };
}
