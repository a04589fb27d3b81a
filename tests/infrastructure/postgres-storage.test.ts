import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { ok } from "neverthrow";
import { afterAll, beforeAll, describe, expect, inject, it, vi } from "vitest";
import type { Repositories } from "../../src/application/ports/unit-of-work.ts";
import type { Session } from "../../src/domain/session/session.ts";
import type { DatabaseUnreachable } from "../../src/infrastructure/postgresql/migrate-server.ts";
import { openPostgresStorage, type PostgresStorage } from "../../src/infrastructure/postgresql/postgres-storage.ts";
import { serverClient, type ServerClient } from "../../src/infrastructure/postgresql/client/client.ts";
import {
  hostAndPort,
  parseServerUrl,
  type ServerHost,
  type ServerUrl,
} from "../../src/infrastructure/postgresql/client/server-url.ts";
import { aSession, aUser, LATER } from "../../src/testing/fixtures.ts";
import { barrier } from "../support/barrier.ts";
import { createDatabase, serverDefaults } from "../support/test-storage.ts";
import { FIRST_VERSION } from "../../src/domain/shared/version.ts";

/** A port on which nothing listens. */
const CLOSED: ServerHost = { host: "127.0.0.1", port: 1 };

const nameOf = ({ hosts: [first] }: ServerUrl): string => hostAndPort(first);

describe("the storage on a PostgreSQL server", () => {
  let server: ServerUrl;
  let storage: PostgresStorage;
  let client: ServerClient;

  beforeAll(async () => {
    server = await createDatabase();
    storage = (await openPostgresStorage({ ...serverDefaults, server }))._unsafeUnwrap();
    client = serverClient({ ...serverDefaults, server, poolSize: 2 });
  });
  afterAll(async () => {
    await client.end(1000);
    await storage.close();
  });

  async function storedSession(): Promise<Session> {
    const user = aUser();
    const session = aSession(user.id);
    (await storage.users.insert(user))._unsafeUnwrap();
    (await storage.sessions.insert(session, FIRST_VERSION))._unsafeUnwrap();
    return session;
  }

  it("retries a unit of work that PostgreSQL rolls back to break a deadlock", async () => {
    const [first, second] = [await storedSession(), await storedSession()];
    const bothHoldOne = barrier(2);
    const renewed = (session: Session): Session => ({ ...session, lastUsedAt: LATER });
    let runs = 0;
    const renewBoth = async (sessions: readonly [Session, Session]) =>
      storage.unitOfWork.run(async (repositories: Repositories) => {
        runs++;
        const [one, other] = sessions;
        (await repositories.sessions.renew(renewed(one)))._unsafeUnwrap();
        await bothHoldOne();
        return repositories.sessions.renew(renewed(other));
      });
    const outcomes = await Promise.all([renewBoth([first, second]), renewBoth([second, first])]);
    expect(outcomes).toEqual([ok(), ok()]);
    expect(runs).toBeGreaterThan(2);
  });

  it("fails as busy when it does not get a lock in time", async () => {
    const session = await storedSession();
    const impatient = (await openPostgresStorage({ ...serverDefaults, server, lockTimeoutMs: 100 }))._unsafeUnwrap();
    await client.begin(async (transaction) => {
      await transaction.unsafe("select id from sessions for update");
      const renewed = (await impatient.sessions.renew(session))._unsafeUnwrapErr();
      expect(renewed).toMatchObject({ reason: "busy", cause: { sqlState: "55P03" } });
    });
    await impatient.close();
  });

  it("fails a write as unavailable on a read-only server", async () => {
    const options = "-c default_transaction_read_only=on";
    const readOnly = { ...server, startup: { ...server.startup, options } };
    const standby = (
      await openPostgresStorage({ ...serverDefaults, server: readOnly, migrator: server })
    )._unsafeUnwrap();
    const written = (await standby.users.insert(aUser()))._unsafeUnwrapErr();
    expect(written).toMatchObject({ reason: "unavailable", cause: { sqlState: "25006" } });
    await standby.close();
  });

  it("reports the durability of the server", async () => {
    const checked = (await storage.probe.check())._unsafeUnwrap();
    // The test server runs with fsync off.
    expect(checked).toEqual({ durability: "relaxed", writable: true });
  });

  it("works with the roles of the documentation", async () => {
    const [beginning = "", rest = ""] = rolesOfDocs().split("\\c quire");
    for (const statement of statementsOf(beginning)) await client.unsafe(statement);
    const database = `${inject("postgresServer")}/quire`;
    const admin = serverClient({ ...serverDefaults, server: parseServerUrl(database)._unsafeUnwrap(), poolSize: 1 });
    for (const statement of statementsOf(rest)) await admin.unsafe(statement);
    await admin.end(1000);
    const by = (role: string) => parseServerUrl(database.replace("postgres:postgres@", `${role}@`))._unsafeUnwrap();
    const options = { ...serverDefaults, server: by("quire:another secret"), migrator: by("quire_owner:one secret") };
    const opened = (await openPostgresStorage(options))._unsafeUnwrap();
    const user = aUser();
    expect(await opened.users.insert(user)).toEqual(ok());
    expect(await opened.users.delete(user.id, user.version)).toEqual(ok());
    expect((await opened.probe.check()).isOk()).toBe(true);
    await opened.close();
  });

  it("fails immediately when the database does not exist", async () => {
    const elsewhere = { ...server, database: "nowhere" };
    const refused = (await openPostgresStorage({ ...serverDefaults, server: elsewhere }))._unsafeUnwrapErr();
    expect(refused).toMatchObject({
      kind: "database_refused",
      cause: { message: expect.stringContaining("nowhere") as unknown },
    });
  });

  it("rejects a server without TLS when the URL requires verification", async () => {
    const options = { ...serverDefaults, server: { ...server, tls: {} }, startTimeoutMs: 300 };
    const refused = (await openPostgresStorage(options))._unsafeUnwrapErr();
    expect(refused).toMatchObject({
      kind: "database_unreachable",
      cause: { message: expect.stringContaining("TLS") as unknown },
    });
  });

  it("selects the reachable one of several hosts", async () => {
    const several: ServerUrl = { ...server, hosts: [CLOSED, ...server.hosts] };
    const opened = (await openPostgresStorage({ ...serverDefaults, server: several }))._unsafeUnwrap();
    const users = Array.from({ length: 20 }, () => aUser());
    const inserted = await Promise.all(users.map(async (user) => opened.users.insert(user)));
    expect(inserted).toEqual(users.map(() => ok()));
    await opened.close();
  });

  it("reports the reason for each of several unsuitable hosts, and ends", async () => {
    const standby: ServerUrl = { ...server, hosts: [CLOSED, ...server.hosts], sessionAttributes: "standby" };
    const refused = (
      await openPostgresStorage({ ...serverDefaults, server: standby, startTimeoutMs: 300 })
    )._unsafeUnwrapErr();
    expect(refused).toMatchObject({
      kind: "database_unreachable",
      cause: { sqlState: "08001", message: `127.0.0.1:1 ECONNREFUSED, ${nameOf(server)} is not standby` },
    });
  });

  it.each([
    ["nothing listens", async () => ({ port: 1, close: async () => {} })],
    ["the server is silent", silentServer],
  ])("waits exactly as long as the start timeout when %s", async (_case, listen) => {
    const { port, close } = await listen();
    const absent: ServerUrl = { ...server, hosts: [{ host: "127.0.0.1", port }] };
    const startTimeoutMs = 1500;
    const refused = await openPostgresStorage({ ...serverDefaults, server: absent, startTimeoutMs });
    await close();
    const { waitedMs } = refused._unsafeUnwrapErr() as DatabaseUnreachable;
    expect(waitedMs).toBeGreaterThanOrEqual(startTimeoutMs);
    // The start timeout is below the connect timeout, so it interrupts a connection attempt.
    expect(waitedMs).toBeLessThan(serverDefaults.connectTimeoutMs);
  });

  it("sends nothing to a server that lacks the required role, so that no outcome is unknown", async () => {
    const waiting = serverClient({ ...serverDefaults, server: { ...server, sessionAttributes: "standby" } });
    await expect(waiting.unsafe("insert into users default values")).rejects.toMatchObject({ code: "08001" });
    await waiting.end(1000);
  });

  it("fails immediately when one of several hosts rejects the password", async () => {
    const wrong: ServerUrl = { ...server, hosts: [CLOSED, ...server.hosts], password: "wrong" };
    const refused = (await openPostgresStorage({ ...serverDefaults, server: wrong }))._unsafeUnwrapErr();
    expect(refused).toMatchObject({
      kind: "database_refused",
      cause: { message: expect.stringContaining("password authentication failed") as unknown },
    });
  });

  it("shares a database with other processes", async () => {
    const other = (await openPostgresStorage({ ...serverDefaults, server }))._unsafeUnwrap();
    const user = aUser();
    (await storage.users.insert(user))._unsafeUnwrap();
    expect(await other.users.findById(user.id)).toEqual(ok(user));
    expect((await other.users.insert(aUser({ email: user.email })))._unsafeUnwrapErr()).toEqual({
      kind: "email_taken",
    });
    await other.close();
  });

  it("completes a statement that still runs when it is closed", async () => {
    const closing = (await openPostgresStorage({ ...serverDefaults, server }))._unsafeUnwrap();
    const user = aUser();
    const { inserted, closed } = await client.begin(async (transaction) => {
      await transaction.unsafe("lock table users in share row exclusive mode");
      const running = closing.users.insert(user);
      const waiting = `select from pg_locks where relation = 'users'::regclass and not granted
        and database = (select oid from pg_database where datname = current_database())`;
      await vi.waitFor(async () => expect(await transaction.unsafe(waiting)).toHaveLength(1), 10_000);
      const ending = closing.close();
      // Longer than a close that cuts off the statement.
      await Promise.race([ending, delay(500)]);
      return { inserted: running, closed: ending };
    });
    expect(await inserted).toEqual(ok());
    expect(await closed).toEqual(ok());
    expect(await storage.users.findById(user.id)).toEqual(ok(user));
  });

  it("is tested on a server", () => {
    expect(inject("postgresServer")).toMatch(/^postgres:/);
  });
});

/** Accepts connections and sends nothing. */
async function silentServer() {
  const silent = createServer().listen(0, "127.0.0.1");
  await once(silent, "listening");
  const sockets = new Set<Socket>();
  silent.on("connection", (socket) => void sockets.add(socket.on("error", () => {})));
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    silent.close();
    await once(silent, "close");
  };
  return { port: (silent.address() as AddressInfo).port, close };
}

/** The first two blocks of SQL under the heading about roles. */
function rolesOfDocs(): string {
  const text = readFileSync(new URL("../../docs/postgresql.md", import.meta.url), "utf8");
  const section = text.split("## Required roles")[1] ?? "";
  return Array.from(section.matchAll(/```sql\n([^`]*)```/g), ([, block = ""]) => block)
    .slice(0, 2)
    .join("\n");
}

function statementsOf(block: string): readonly string[] {
  return block
    .split(";")
    .map((statement) => statement.trim())
    .filter((statement) => statement !== "");
}
