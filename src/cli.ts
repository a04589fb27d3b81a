import { existsSync } from "node:fs";
import { text as readAll } from "node:stream/consumers";
import { cancel, password as askSecret, text as ask } from "@clack/prompts";
import { Command, Option } from "commander";
import { err, type Result } from "neverthrow";
import { nodeAdapters } from "./composition.ts";
import { loadEnvFile, readConfig } from "./config.ts";
import { ROLES, type Role, type User } from "./domain/user.ts";
import type { Log } from "./application/ports/log.ts";
import { useCases } from "./application/use-cases.ts";
import { move, type MovedRows } from "./infrastructure/move/move.ts";
import type { MoveEnd } from "./infrastructure/move/move-end.ts";
import { pinoLog } from "./infrastructure/pino-log.ts";
import {
  answerProblem,
  createUserFromAnswers,
  type AnswerRefused,
  type CreateUserAnswers,
} from "./interfaces/cli/create-user.ts";
import { moveProgress } from "./interfaces/cli/move-progress.ts";
import { openMoveEnd, openStorage } from "./open-storage.ts";
import { explain, EXIT, type ProcessFailure } from "./process-failure.ts";

interface CreateUserOptions {
  readonly role: Role;
  readonly name?: string;
  readonly email?: string;
  readonly passwordStdin: boolean;
}

const program = new Command("quire").description(
  "Administers the data of a Quire server. With the embedded PostgreSQL it must not be running.",
);

program
  .command("user")
  .description("administer users")
  .command("create")
  .description("create a user; what is not given as an option is asked for")
  .addOption(new Option("--role <role>", "what the user may do").choices(ROLES).default("author"))
  .option("--name <name>", "1 to 100 characters")
  .option("--email <address>", "the address that the user logs in with")
  .option("--password-stdin", "read the password from standard input, its last line break left out", false)
  .action(async (options: CreateUserOptions) => {
    const answers = await completeAnswers(options);
    const created = await createUser(answers, options.role);
    if (created.isErr()) exitWith(created.error);
    const { id, email, role } = created.value;
    process.stdout.write(`Created the ${role} ${email} with the id ${id}.\n`);
  });

interface MoveOptions {
  readonly from: string;
  readonly to: string;
}

program
  .command("move")
  .description("copy everything to an empty database, and prove that it is the same; no Quire may run on either")
  .requiredOption("--from <place>", "a data directory, or the URL of a PostgreSQL server")
  .requiredOption("--to <place>", "a new data directory, or the URL of a PostgreSQL server")
  .action(async ({ from, to }: MoveOptions) => {
    const moved = await moveBetween(from, to);
    if (moved.isErr()) exitWith(moved.error);
    const lines = moved.value.map(
      ({ table, rows, checksum }) => `${table.padEnd(9)} ${String(rows).padStart(10)} rows  checksum ${checksum}`,
    );
    process.stdout.write(`Both hold the same:\n${lines.join("\n")}\n`);
  });

// Commander's own exit code for a wrong command line is 1, which says no more than "failed".
program.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? EXIT.ok : EXIT.usage));
for (const command of program.commands) {
  command.copyInheritedSettings(program);
  for (const inner of command.commands) inner.copyInheritedSettings(program);
}
await program.parseAsync();

async function createUser(
  answers: CreateUserAnswers,
  role: Role,
): Promise<Result<User, ProcessFailure | AnswerRefused>> {
  loadEnvFile();
  const config = readConfig(process.env);
  if (config.isErr()) return err(config.error);
  // What the command has to say is its answer; beside it only what goes wrong.
  const log = pinoLog("warn");
  const storage = await openStorage(config.value, log);
  if (storage.isErr()) return err(storage.error);
  const { sessionIdleMs, registration } = config.value;
  const dependencies = { ...nodeAdapters, ...storage.value, sessionIdleMs, registration };
  const created = await createUserFromAnswers(useCases(dependencies), answers, role);
  const closed = await storage.value.close();
  return closed.isErr() ? err(closed.error) : created;
}

async function moveBetween(from: string, to: string): Promise<Result<readonly MovedRows[], ProcessFailure>> {
  if (!isUrl(from) && !existsSync(from)) program.error(`error: there is no data directory ${from} to move from`);
  loadEnvFile();
  const log = pinoLog("warn");
  const source = await openPlace(from, log);
  if (source.isErr()) return err(source.error);
  const target = await openPlace(to, log);
  if (target.isErr()) {
    await source.value.close();
    return err(target.error);
  }
  const progress = moveProgress(process.stderr);
  const moved = await move(source.value, target.value, progress.show);
  progress.end();
  await source.value.close();
  await target.value.close();
  return moved;
}

async function openPlace(place: string, log: Log): Promise<Result<MoveEnd, ProcessFailure>> {
  const named = isUrl(place) ? { DATABASE_URL: place } : { DATABASE_URL: "", QUIRE_DATA_DIR: place };
  const config = readConfig({ ...process.env, DATABASE_MIGRATION_URL: "", ...named });
  return config.isErr() ? err(config.error) : openMoveEnd(config.value, log);
}

/** A URL of another kind is a mistake in one, and no directory. */
function isUrl(place: string): boolean {
  return /^[a-z][a-z\d+.-]*:\/\//i.test(place);
}

/** Asks for what the options leave out: on a terminal a person, otherwise nobody, so it must be given. */
async function completeAnswers({ name, email, passwordStdin }: CreateUserOptions): Promise<CreateUserAnswers> {
  const missing = Object.entries({ "--email": email, "--name": name, "--password-stdin": passwordStdin || undefined })
    .filter(([, given]) => given === undefined)
    .map(([option]) => option);
  if (missing.length > 0 && !process.stdin.isTTY) {
    program.error(`error: standard input is no terminal to ask on, so give also: ${missing.join(", ")}`);
  }
  return {
    email: email ?? answered(await ask({ message: "E-mail address", validate: check("email") })),
    name: name ?? answered(await ask({ message: "Name", validate: check("name") })),
    password: passwordStdin
      ? (await readAll(process.stdin)).replace(/\r?\n$/, "")
      : answered(await askSecret({ message: "Password", validate: check("password") })),
  };
}

function check(answer: keyof CreateUserAnswers) {
  return (raw: string | undefined) => answerProblem(answer, raw ?? "");
}

function answered(answer: string | symbol): string {
  if (typeof answer === "string") return answer;
  cancel("Nothing was created.");
  return process.exit(EXIT.usage);
}

function exitWith(failure: ProcessFailure | AnswerRefused): never {
  if (failure.kind === "answer_refused") {
    process.stderr.write(`The ${failure.answer} is not accepted. ${failure.detail}\n`);
    process.exit(EXIT.usage);
  }
  const { message, exitCode } = explain(failure);
  process.stderr.write(`${message}\n`);
  process.exit(exitCode);
}
