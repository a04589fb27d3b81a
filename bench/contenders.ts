import { execFileSync } from "node:child_process";
import { cpSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PGlite } from "@electric-sql/pglite";
import { startPostgresServer } from "../tests/support/postgres-server.ts";
import { PLAIN_API } from "./api.ts";
import { ALL_PRODUCTS, prepareProduct } from "./products.ts";
import type { Contender } from "./server.ts";
import { fillQuire, makeServerTables, quireOn, quireOnServer } from "./quire.ts";
import { DATA_SET, fillTables, makeTables } from "./data-set.ts";

const DIRECTUS =
  "Directus: it needs Node 22 or later, and the benchmark runs on Node 20, the oldest Node that Quire supports.";
/** Selects contenders by name; all by default. */
const WANTED = new RegExp(process.env["BENCH_ONLY"] ?? "");
const CONTENDERS = fileURLToPath(new URL("contenders", import.meta.url));

export interface Arena {
  readonly contenders: readonly Contender[];
  /** The contenders that cannot run here, each with the reason. */
  readonly absent: readonly string[];
  readonly close: () => Promise<void>;
}

/** Fills a database for each contender in an empty directory. PostgreSQL runs with fsync, as every figure is about durable writes. */
export async function prepare(directory: string): Promise<Arena> {
  const quire = join(directory, "quire");
  await fillQuire(quire);
  const relaxed = join(directory, "quire-relaxed");
  cpSync(quire, relaxed, { recursive: true });
  const pglite = join(directory, "pglite");
  await fillPglite(pglite);
  const postgres = await startPostgres();
  const sqlite = fillSqlite(directory);
  const products = await fillProducts(postgres);
  const contenders = [
    quireOn("Quire", quire, "fsync"),
    quireOn("Quire, relaxed", relaxed, "relaxed"),
    quireOnServer("Quire on PostgreSQL", postgres.quireUrl, 1),
    quireOnServer("Quire on PostgreSQL × 2", postgres.quireUrl, 2),
    quireOnServer("Quire on PostgreSQL × 4", postgres.quireUrl, 4),
    written("Hono alone (ceiling)", "hono-bare.mjs", {}),
    { ...written("PGlite alone", "pglite-alone.mjs", { DATA: pglite }), isOnlyStarted: true },
    written("Hono + Drizzle + PGlite", "hono-drizzle-pglite.mjs", { DATA: pglite }),
    written("Fastify + pg", "fastify-pg.mjs", { DATA: postgres.url }),
    written("Fastify + Drizzle + postgres.js", "fastify-drizzle-postgresjs.mjs", { DATA: postgres.url }),
    written("Express + TypeORM", "express-typeorm.mjs", { DATA: postgres.url }),
    ...sqlite.contenders,
    ...products.contenders,
  ];
  return {
    contenders: contenders.filter(({ name }) => WANTED.test(name)),
    absent: [...sqlite.absent, ...products.absent, DIRECTUS],
    close: postgres.stop,
  };
}

/** A contender that is written for this benchmark. */
function written(name: string, file: string, environment: Contender["environment"]): Contender {
  return { name, script: script(file), environment, api: PLAIN_API };
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
  /** The database that the contenders share, and the database of Quire. */
  readonly url: string;
  readonly quireUrl: string;
  /** Creates an empty database and returns its URL. */
  readonly emptyDatabase: (name: string) => Promise<string>;
  readonly stop: () => Promise<void>;
}

async function startPostgres(): Promise<Server> {
  const { Pool } = createRequire(join(CONTENDERS, "package.json"))("pg") as { Pool: new (options: object) => PgPool };
  const server = await startPostgresServer();
  const url = `${server.url}/postgres`;
  const on = async (connectionString: string, work: (query: PgPool["query"]) => Promise<unknown>) => {
    const pool = new Pool({ connectionString, max: 1 });
    await work(async (text, values = []) => pool.query(text, values));
    await pool.end();
  };
  const emptyDatabase = async (name: string) => {
    await on(url, async (query) => query(`create database ${name}`));
    return `${server.url}/${name}`;
  };
  await on(url, makeTables);
  await on(url, fillTables);
  const quireUrl = await emptyDatabase("quire");
  await makeServerTables(quireUrl);
  await on(quireUrl, fillTables);
  return { url, quireUrl, emptyDatabase, stop: async () => server.stop() };
}

function fillSqlite(directory: string): Pick<Arena, "contenders" | "absent"> {
  const modes = ["FULL", "NORMAL"];
  try {
    const contenders = modes.map((synchronous) => {
      const path = join(directory, `${synchronous}.sqlite`);
      const seed = [script("seed-sqlite.mjs"), path, JSON.stringify(DATA_SET)];
      execFileSync(process.execPath, seed, { stdio: ["ignore", "ignore", "pipe"] });
      const environment = { DATA: path, SYNCHRONOUS: synchronous };
      return written(sqliteName(synchronous), "fastify-better-sqlite3.mjs", environment);
    });
    return { contenders, absent: [] };
  } catch (thrown) {
    return { contenders: [], absent: modes.map((synchronous) => `${sqliteName(synchronous)}: ${reasonOf(thrown)}`) };
  }
}

/** Installing and building a product takes minutes. If one fails, the others are still measured. */
async function fillProducts(server: Server): Promise<Pick<Arena, "contenders" | "absent">> {
  const contenders: Contender[] = [];
  const absent: string[] = [];
  for (const product of ALL_PRODUCTS.filter(({ name }) => WANTED.test(name))) {
    process.stderr.write(`installing ${product.name}\n`);
    try {
      contenders.push(await prepareProduct(product, await server.emptyDatabase(product.name.toLowerCase())));
    } catch (thrown) {
      absent.push(`${product.name}: ${reasonOf(thrown)}`);
    }
  }
  return { contenders, absent };
}

function reasonOf(thrown: unknown): string {
  const lines = thrown instanceof Error ? thrown.message.split("\n") : [];
  return lines.find((line) => /error/i.test(line)) ?? lines[0] ?? "it does not run here";
}
