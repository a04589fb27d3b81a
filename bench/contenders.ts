import { execFileSync } from "node:child_process";
import { cpSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PGlite } from "@electric-sql/pglite";
import { startPostgresServer } from "../tests/support/postgres-server.ts";
import type { Contender } from "./server.ts";
import { fillQuire, makeServerTables, quireOn, quireOnServer } from "./quire.ts";
import { DATA_SET, fillTables, makeTables } from "./data-set.ts";

const CONTENDERS = fileURLToPath(new URL("contenders", import.meta.url));

export interface Arena {
  readonly contenders: readonly Contender[];
  /** Who cannot run here, and why. */
  readonly absent: readonly string[];
  readonly close: () => Promise<void>;
}

/** Fills a store for each contender in an empty directory; PostgreSQL flushes, as every figure is one of durable writes. */
export async function prepare(directory: string): Promise<Arena> {
  const quire = join(directory, "quire");
  await fillQuire(quire);
  const relaxed = join(directory, "quire-relaxed");
  cpSync(quire, relaxed, { recursive: true });
  const pglite = join(directory, "pglite");
  await fillPglite(pglite);
  const postgres = await startPostgres();
  const sqlite = fillSqlite(directory);
  return {
    contenders: [
      quireOn("Quire", quire, "fsync"),
      quireOn("Quire, relaxed", relaxed, "relaxed"),
      quireOnServer("Quire on PostgreSQL", postgres.quireUrl),
      { name: "Hono alone (ceiling)", script: script("hono-bare.mjs"), environment: {} },
      {
        name: "PGlite alone",
        script: script("pglite-alone.mjs"),
        environment: { DATA: pglite },
        isOnlyStarted: true,
      },
      { name: "Hono + Drizzle + PGlite", script: script("hono-drizzle-pglite.mjs"), environment: { DATA: pglite } },
      { name: "Fastify + pg", script: script("fastify-pg.mjs"), environment: { DATA: postgres.url } },
      {
        name: "Fastify + Drizzle + postgres.js",
        script: script("fastify-drizzle-postgresjs.mjs"),
        environment: { DATA: postgres.url },
      },
      { name: "Express + TypeORM", script: script("express-typeorm.mjs"), environment: { DATA: postgres.url } },
      ...sqlite.contenders,
    ],
    absent: sqlite.absent,
    close: postgres.stop,
  };
}

function script(name: string): string {
  return join(CONTENDERS, name);
}

function sqliteName(synchronous: string): string {
  return `Fastify + better-sqlite3, ${synchronous}`;
}

async function fillPglite(directory: string): Promise<void> {
  const engine = await PGlite.create(directory);
  const query = async (text: string, values: string[] = []) => engine.query(text, values);
  await makeTables(query);
  await fillTables(query);
  await engine.close();
}

interface PgPool {
  query(text: string, values?: string[]): Promise<unknown>;
  end(): Promise<void>;
}

interface Server {
  /** Of the database that the contenders share, and of Quire's own. */
  readonly url: string;
  readonly quireUrl: string;
  readonly stop: () => Promise<void>;
}

async function startPostgres(): Promise<Server> {
  const { Pool } = createRequire(join(CONTENDERS, "package.json"))("pg") as { Pool: new (options: object) => PgPool };
  const server = await startPostgresServer();
  const url = `${server.url}/postgres`;
  const pool = new Pool({ connectionString: url, max: 1 });
  const query = async (text: string, values: string[] = []) => pool.query(text, values);
  await makeTables(query);
  await fillTables(query);
  await query("create database quire");
  await pool.end();
  const quireUrl = `${server.url}/quire`;
  await makeServerTables(quireUrl);
  const quire = new Pool({ connectionString: quireUrl, max: 1 });
  await fillTables(async (text, values = []) => quire.query(text, values));
  await quire.end();
  return { url, quireUrl, stop: async () => server.stop() };
}

function fillSqlite(directory: string): Pick<Arena, "contenders" | "absent"> {
  const modes = ["FULL", "NORMAL"];
  try {
    const contenders = modes.map((synchronous) => {
      const path = join(directory, `${synchronous}.sqlite`);
      const seed = [script("seed-sqlite.mjs"), path, JSON.stringify(DATA_SET)];
      execFileSync(process.execPath, seed, { stdio: ["ignore", "ignore", "pipe"] });
      const environment = { DATA: path, SYNCHRONOUS: synchronous };
      return { name: sqliteName(synchronous), script: script("fastify-better-sqlite3.mjs"), environment };
    });
    return { contenders, absent: [] };
  } catch (thrown) {
    const reason =
      thrown instanceof Error ? thrown.message.split("\n").find((line) => line.includes("Error")) : undefined;
    return {
      contenders: [],
      absent: modes.map((synchronous) => `${sqliteName(synchronous)}: ${reason ?? "it does not run here"}`),
    };
  }
}
