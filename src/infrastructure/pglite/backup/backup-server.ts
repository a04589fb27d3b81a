import { existsSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Log } from "../../../application/ports/log.ts";
import { formatLsn } from "../../sql/lsn.ts";
import type { BaseBackup, BaseBackupRefused, BeginBaseBackup } from "../client/base-backup.ts";
import { BACKUP_SCRATCH, BACKUP_SOCKET } from "../directory/layout.ts";
import { BackupRequest, MAX_LINE_BYTES, type BackupReply } from "./messages.ts";
import { openScratch } from "./scratch-directory.ts";
import { socketPath } from "./socket-path.ts";

export interface BackupServer {
  close(): Promise<void>;
}

interface BackupServerOptions {
  /** The data directory, which this process has locked. */
  readonly directory: string;
  readonly beginBackup: BeginBaseBackup;
  readonly log: Log;
}

/** Only the owner may connect. */
const UMASK = 0o177;
/** One backup, and others that are told that it is running. */
const MAX_CONNECTIONS = 8;

/**
 * Answers requests for backups on a socket in the data directory. The client copies the files itself; its connection
 * keeps the write-ahead log. If the socket cannot be created, that is logged, and the server serves without it.
 */
export async function serveBackups({ directory, beginBackup, log }: BackupServerOptions): Promise<BackupServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    void serveConnection(socket, beginBackup);
  });
  server.maxConnections = MAX_CONNECTIONS;
  const address = socketPath(directory);
  await removeLeftovers(directory).catch((error: unknown) =>
    log.warn({ directory, error }, "the files of an interrupted backup cannot be removed"),
  );
  try {
    // A killed server leaves its socket behind. The lock shows that no other process uses it.
    rmSync(join(directory, BACKUP_SOCKET), { force: true });
    const listening = once(server, "listening");
    const umask = process.umask(UMASK);
    server.listen(address.path);
    process.umask(umask);
    await listening;
  } catch (error) {
    address.close();
    log.warn({ directory, error }, "quire backup cannot reach this server: its socket cannot be created");
    return { close: async () => {} };
  }
  return {
    close: async () => {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
      address.close();
    },
  };
}

/** Frees the disk space of a backup that was killed. A backup that still runs has locked its files. */
async function removeLeftovers(directory: string): Promise<void> {
  const path = join(directory, BACKUP_SCRATCH);
  if (!existsSync(path)) return;
  const scratch = await openScratch(path);
  if (scratch.isOk()) await scratch.value.remove();
}

/** Serves the requests of one connection in order. When it ends, its backup ends. */
async function serveConnection(socket: Socket, beginBackup: BeginBaseBackup): Promise<void> {
  let backup: BaseBackup | null = null;
  socket.on("error", () => socket.destroy());
  socket.on("data", () => {
    if (socket.bytesRead > MAX_LINE_BYTES) socket.destroy();
  });
  const reply = (message: BackupReply) => socket.write(`${JSON.stringify(message)}\n`);
  const answer = async (request: BackupRequest["request"]) => {
    if (request === "begin") {
      const begun = backup === null ? await beginBackup() : null;
      if (begun === null) return socket.destroy();
      if (begun.isErr()) return reply(refusal(begun.error));
      backup = begun.value;
      return reply({ reply: "begun", control: backup.control.toString("base64") });
    }
    if (backup === null) return socket.destroy();
    if (request === "finish") {
      const finished = await backup.finish();
      return reply(finished.isOk() ? { reply: "finished", lsn: formatLsn(finished.value) } : refusal(finished.error));
    }
    const ended = backup.end();
    backup.release();
    return reply(ended.isOk() ? { reply: "ended" } : refusal(ended.error));
  };
  try {
    for await (const line of createInterface({ input: socket })) {
      await answer(BackupRequest.parse(JSON.parse(line)).request);
    }
  } catch {
    // A message that no version of this program sends, or a lost connection.
    socket.destroy();
  } finally {
    (backup as BaseBackup | null)?.release();
  }
}

function refusal({ reason, detail }: BaseBackupRefused): BackupReply {
  return { reply: "refused", reason, detail };
}
