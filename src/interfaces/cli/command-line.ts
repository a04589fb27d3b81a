import { Command, CommanderError, Option } from "commander";
import { err, type Result } from "neverthrow";
import { explainCommand, type CommandFailure } from "./command-failure.ts";
import { nodeAdapters } from "../../bootstrap/compose.ts";
import { loadConfig } from "../../bootstrap/config.ts";
import { ROLES, type Role } from "../../domain/user/user.ts";
import { useCases, type UseCases } from "../../application/application.ts";
import { administerUsers, type AdministerUsers } from "../../application/users/administer-users.ts";
import { EXIT } from "../../bootstrap/exit-codes.ts";
import { withoutPasswords } from "../../infrastructure/node/describe-error.ts";
import { pinoLog } from "../../infrastructure/node/pino-log.ts";
import { visibleLines, visibleText } from "../../infrastructure/node/visible-text.ts";
import { answerProblem, createUserFromAnswers, type CreateUserAnswers } from "./create-user.ts";
import { listUsers, referenceProblem, setPassword, setRole } from "./users.ts";
import { moveDatabase, type MoveOptions } from "./move-command.ts";
import { openExistingStorage, openStorage, type NewDatabase } from "../../bootstrap/open-storage.ts";
import { ask, askNewPassword } from "./prompts.ts";
import { readStandardInput } from "./standard-input.ts";
import { VERSION } from "../../bootstrap/version.ts";

interface PasswordOptions {
  readonly passwordStdin: boolean;
}

interface CreateUserOptions extends PasswordOptions {
  readonly role: Role;
  readonly name?: string;
  readonly email?: string;
  readonly newDatabase: boolean;
}

const USER_ARGUMENT = "<user>";
const USER_ARGUMENT_TEXT = "the user's e-mail address or id";
const PASSWORD_STDIN_TEXT = "read the password from standard input, its last line break left out";

const ENVIRONMENT_TEXT = `
The database is the server's: DATABASE_URL, or else QUIRE_DATA_DIR (./data by default), from the environment or from .env.`;

/** Runs the command that the arguments of the process say, and ends the process where it fails. */
export async function runCommandLine(argv: readonly string[]): Promise<void> {
  const program = new Command("quire")
    .description("Administers the data of a Quire server. With the embedded PostgreSQL it must not be running.")
    .version(VERSION, "--version", "show the version");
  addUserCommands(program.command("user").description("administer users").addHelpText("after", ENVIRONMENT_TEXT));
  addMoveCommand(program);
  for (const command of [program, ...program.commands, ...program.commands.flatMap((each) => each.commands)]) {
    command
      .exitOverride()
      // What is wrong may be an option with the URL of a database in it.
      .configureOutput({ writeErr: (text) => void process.stderr.write(visibleLines(withoutPasswords(text))) });
  }
  try {
    await program.parseAsync(argv);
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    // Commander's own exit code for a wrong command line is 1, which says no more than "failed".
    process.exitCode = thrown.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
}

function addUserCommands(user: Command): void {
  user
    .command("create")
    .description("create a user; what is not given as an option is asked for")
    .addOption(new Option("--role <role>", "what the user may do").choices(ROLES).default("author"))
    .option("--name <name>", "1 to 100 characters")
    .option("--email <address>", "the address that the user logs in with")
    .option("--password-stdin", PASSWORD_STDIN_TEXT, false)
    .option("--new-database", "make the database where there is none", false)
    .action(async (options: CreateUserOptions) => {
      const answers = await completeAnswers(user, options);
      const { value, place } = await withUseCases(options.newDatabase ? "allowed" : "refused", async (app) =>
        createUserFromAnswers(app, answers, options.role),
      );
      print(`Created the ${value.role} ${value.email} with the id ${value.id} in ${place}.`);
    });
  user
    .command("list")
    .description("list all users, newest first: id, role, e-mail address, name")
    .option("--json", "each as a JSON object in a line of its own", false)
    .action(async ({ json }: { readonly json: boolean }) => {
      process.stdout.on("error", endWithReader);
      await withUseCases("refused", async ({ operator }) => listUsers(operator, print, json ? "json" : "columns"));
    });
  user
    .command("password")
    .description("change a user's password, and end all of their sessions")
    .argument(USER_ARGUMENT, USER_ARGUMENT_TEXT)
    .option("--password-stdin", PASSWORD_STDIN_TEXT, false)
    .action(async (reference: string, options: PasswordOptions) => {
      checkReference(user, reference);
      if (!options.passwordStdin) requireTerminal(user, ["--password-stdin"]);
      const password = await readPassword(options);
      const { value, place } = await withUseCases("refused", async ({ operator }) =>
        setPassword(operator, reference, password),
      );
      print(`Changed the password of ${value.email} and ended all sessions of theirs in ${place}.`);
    });
  user
    .command("role")
    .description("give a user a role")
    .argument(USER_ARGUMENT, USER_ARGUMENT_TEXT)
    .addArgument(user.createArgument("<role>", "what the user may do").choices(ROLES))
    .action(async (reference: string, role: Role) => {
      checkReference(user, reference);
      const { value, place } = await withUseCases("refused", async ({ operator }) =>
        setRole(operator, reference, role),
      );
      print(`${value.email} has the role ${value.role} in ${place}.`);
    });
}

const MOVE_TEXT = `
A place is a data directory, or the URL of a PostgreSQL server. Everybody on a machine can see the options of a process, so
give a URL with a password by a variable, or as - and a line of standard input (the line of --from comes first).`;

function addMoveCommand(program: Command): void {
  program
    .command("move")
    .description("copy everything to an empty database, and prove that it is the same; no Quire may run on either")
    .option("--from <place>", "the database that is there (or the variable QUIRE_MOVE_FROM)")
    .option("--to <place>", "an empty database, or a new directory (or the variable QUIRE_MOVE_TO)")
    .addHelpText("after", MOVE_TEXT)
    .action(async (options: MoveOptions) => {
      const moved = await moveDatabase(options, (detail) => program.error(`error: ${detail}`));
      if (moved.isErr()) return endWith(moved.error);
      const width = Math.max(...moved.value.map(({ table }) => table.length));
      const lines = moved.value.map(
        ({ table, rows, checksum }) => `${table.padEnd(width)} ${String(rows).padStart(10)} rows  checksum ${checksum}`,
      );
      for (const line of ["Both hold the same:", ...lines]) print(line);
    });
}

type OperatorUseCases = Pick<UseCases, "createUser"> & { readonly operator: AdministerUsers };

/** Opens the configured database for a command, and closes it; gives what the command found and where that was. */
async function withUseCases<T>(
  newDatabase: NewDatabase,
  use: (app: OperatorUseCases) => Promise<Result<T, CommandFailure>>,
): Promise<{ readonly value: T; readonly place: string }> {
  const used = await openAndUse(newDatabase, use);
  return used.isErr() ? endWith(used.error) : used.value;
}

async function openAndUse<T>(
  newDatabase: NewDatabase,
  use: (app: OperatorUseCases) => Promise<Result<T, CommandFailure>>,
): Promise<Result<{ readonly value: T; readonly place: string }, CommandFailure>> {
  const config = loadConfig();
  if (config.isErr()) return err(config.error);
  // Standard output has the result of the command; the log has warnings and errors only.
  const log = pinoLog("warn");
  const storage = await (newDatabase === "allowed" ? openStorage : openExistingStorage)(config.value, log);
  if (storage.isErr()) return err(storage.error);
  const { place } = storage.value;
  const { sessionIdleMs, registration } = config.value;
  const dependencies = { ...nodeAdapters, ...storage.value, log, sessionIdleMs, registration };
  const used = await use({ ...useCases(dependencies), operator: administerUsers(dependencies) });
  const closed = await storage.value.close();
  return closed.isErr() ? err(closed.error) : used.map((value) => ({ value, place }));
}

/** Asks for what the options leave out. */
async function completeAnswers(user: Command, options: CreateUserOptions): Promise<CreateUserAnswers> {
  const { name, email, passwordStdin } = options;
  const missing = Object.entries({ "--email": email, "--name": name, "--password-stdin": passwordStdin || undefined })
    .filter(([, given]) => given === undefined)
    .map(([option]) => option);
  if (missing.length > 0) requireTerminal(user, missing);
  return {
    email: email ?? (await ask("E-mail address", check("email"))),
    name: name ?? (await ask("Name", check("name"))),
    password: await readPassword(options),
  };
}

async function readPassword({ passwordStdin }: PasswordOptions): Promise<string> {
  if (!passwordStdin) return askNewPassword(check("password"));
  const read = await readStandardInput();
  return read.isErr() ? endWith(read.error) : read.value.replace(/\r?\n$/, "");
}

function check(answer: keyof CreateUserAnswers) {
  return (raw: string | undefined) => answerProblem(answer, raw ?? "");
}

function checkReference(user: Command, reference: string): void {
  const problem = referenceProblem(reference);
  if (problem !== undefined) user.error(`error: ${reference} names no user. ${problem}`);
}

function requireTerminal(user: Command, options: readonly string[]): void {
  if (process.stdin.isTTY) return;
  user.error(`error: standard input is no terminal to ask on, so give also: ${options.join(", ")}`);
}

/** Prints a line of the answer; `false` when nobody reads any more. */
function print(line: string): boolean {
  if (process.stdout.writable) process.stdout.write(`${visibleText(line)}\n`);
  return process.stdout.writable;
}

/** A reader such as head that has had enough is no failure; the database is closed all the same. */
function endWithReader(error: Error): void {
  if (!("code" in error) || error.code !== "EPIPE") throw error;
}

function endWith(failure: CommandFailure): never {
  const { message, exitCode } = explainCommand(failure);
  process.stderr.write(`${message}\n`);
  process.exit(exitCode);
}
