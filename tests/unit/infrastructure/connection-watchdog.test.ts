import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  connectionWatchdog,
  SUSPICIOUS_SILENCE_MS,
  type HostHealth,
} from "../../../src/infrastructure/postgresql/client/connection-watchdog.ts";
import type { ServerConnection } from "../../../src/infrastructure/postgresql/client/connection.ts";
import { recordingLog } from "../../../src/testing/fixtures.ts";

interface FakeConnection extends ServerConnection {
  silence: number;
  readonly dropped: string[];
}

function connection(host: string, backend: number | null): FakeConnection {
  const socket = new EventEmitter() as Socket;
  const fake: FakeConnection = {
    address: { host, port: 5432 },
    socket,
    silence: 0,
    dropped: [],
    backend: () => backend,
    hasAnswered: () => true,
    silentMs: () => fake.silence,
    destroy: (reason) => {
      fake.dropped.push(reason);
      socket.emit("close");
    },
  };
  return fake;
}

const ALIVE: HostHealth = { kind: "reachable", abandoned: [] };

describe("connection watchdog", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function watching(health: HostHealth, answerTimeoutMs: number | null = 35_000) {
    const asked: (readonly number[])[] = [];
    const log = recordingLog();
    const checkHost = async (_address: unknown, backends: readonly number[]) => {
      asked.push(backends);
      return health;
    };
    const watchdog = connectionWatchdog({ checkHost, answerTimeoutMs, log });
    const connections = [connection("a", 1), connection("a", 2), connection("b", 3)] as const;
    for (const each of connections) watchdog.watch(each);
    return { asked, log, watchdog, connections };
  }

  const wait = async () => vi.advanceTimersByTimeAsync(SUSPICIOUS_SILENCE_MS);

  it("checks no host while every answer arrives", async () => {
    const { asked, connections } = watching({ kind: "unreachable", cause: null });
    connections[0].silence = SUSPICIOUS_SILENCE_MS - 1;
    await wait();
    expect(asked).toEqual([]);
  });

  it("drops every connection to an unreachable host, idle ones included", async () => {
    const { connections, log } = watching({ kind: "unreachable", cause: "ETIMEDOUT" });
    connections[0].silence = SUSPICIOUS_SILENCE_MS;
    await wait();
    expect(connections.map(({ dropped }) => dropped.length)).toEqual([1, 1, 0]);
    expect(log.lines).toEqual([
      {
        level: "warn",
        fields: { connections: 2, cause: "ETIMEDOUT" },
        message: "connections dropped: a:5432 does not answer",
      },
    ]);
  });

  it("drops a connection whose backend does not work for it", async () => {
    const { asked, connections } = watching({ kind: "reachable", abandoned: [1] });
    connections[0].silence = SUSPICIOUS_SILENCE_MS;
    connections[1].silence = SUSPICIOUS_SILENCE_MS;
    await wait();
    expect(asked[0]).toEqual([1, 2]);
    expect(connections.map(({ dropped }) => dropped.length)).toEqual([1, 0, 0]);
  });

  it("keeps a connection that was answered during the check of its host", async () => {
    const { connections, watchdog } = watching(ALIVE);
    watchdog.close();
    const late = connection("c", 9);
    const checkHost = async (): Promise<HostHealth> => {
      late.silence = 0;
      return { kind: "reachable", abandoned: [9] };
    };
    connectionWatchdog({ checkHost, answerTimeoutMs: null, log: recordingLog() }).watch(late);
    late.silence = SUSPICIOUS_SILENCE_MS;
    await wait();
    expect(late.dropped).toEqual([]);
    expect(connections[0].dropped).toEqual(["The connection was closed."]);
  });

  it("drops a connection whose answer is overdue although its backend works on it", async () => {
    const { connections } = watching(ALIVE, 35_000);
    connections[0].silence = 34_999;
    await wait();
    expect(connections[0].dropped).toEqual([]);
    connections[0].silence = 35_000;
    await wait();
    expect(connections[0].dropped).toEqual(["The connection was dropped: no answer in 35000 ms."]);
  });

  it("sets no limit on a statement without an answer timeout", async () => {
    const { asked, connections } = watching(ALIVE, null);
    connections[0].silence = 3_600_000;
    await wait();
    expect(connections[0].dropped).toEqual([]);
    expect(asked.length).toBeGreaterThan(0);
  });

  it("checks a host at most once within the suspicious silence", async () => {
    const { asked, connections } = watching(ALIVE, null);
    for (const each of connections) each.silence = SUSPICIOUS_SILENCE_MS;
    await vi.advanceTimersByTimeAsync(10 * SUSPICIOUS_SILENCE_MS);
    expect(asked.length).toBeLessThanOrEqual(2 * 10);
  });
});
