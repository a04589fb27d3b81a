import { Command, CommanderError, Option } from "commander";
import { err, ok, safeTry, type Result } from "neverthrow";
import type { UseCases } from "../../application/application.ts";
import type { AdministerUsers } from "../../application/users/administer-users.ts";
import { ROLES, type Role } from "../../domain/user/user.ts";
import type { CommandFailure } from "./command-failure.ts";
import { completeAnswers, createUserFromAnswers, type CreateUserOptions } from "./create-user.ts";
import { move, type MoveDependencies, type MovedTable, type MoveLocations } from "./move.ts";
import { readNewPassword, requireInteractive, type PasswordOptions } from "./password.ts";
import { reindex, type ReindexDependencies } from "./reindex.ts";
import { checkReference, listUsers, setPassword, setRole } from "./users.ts";

/** Whether a command may create the database if there is none. */
export type NewDatabase = "allowed" | "refused";

export type OperatorUseCases = Pick<UseCases, "createUser"> & { readonly operator: AdministerUsers };

/** Runs a command on the configured database, and closes it. */
export type WithDatabase<Failure> = <T>(
  newDatabase: NewDatabase,
  run: (app: OperatorUseCases) => Promise<Result<T, CommandFailure>>,
) => Promise<Result<{ readonly value: T; readonly location: string }, CommandFailure | Failure>>;

/** `Failure`: why a database cannot be opened, used or closed. */
export interface CommandDependencies<Failure> extends MoveDependencies<Failure>, ReindexDependencies<Failure> {
  readonly version: string;
  readonly withDatabase: WithDatabase<Failure>;
}

type Outcome<Failure> = Result<unknown, CommandFailure | Failure>;

/** Turns a command that returns a Result into an action for commander. */
type ActionOf<Failure> = <Args extends readonly unknown[]>(
  command: (...args: Args) => Promise<Outcome<Failure>>,
) => (...args: Args) => Promise<void>;

const USER_ARGUMENT = "<user>";
const USER_ARGUMENT_TEXT = "the user's e-mail address or id";
const PASSWORD_STDIN_TEXT = "read the password from standard input, without its last line break";

const DATABASE_TEXT = `
The commands use the database of the server: DATABASE_URL, or else QUIRE_DATA_DIR (default: ./data), from the environment or
from the file .env.`;

const MOVE_TEXT = `
A location is a data directory or the URL of a PostgreSQL server. All users of a machine can see the options of a process. So
pass a URL with a password in a variable, or as - and a line of standard input (the line of --from comes first).`;

/** Runs the command that the arguments name. */
export async function runCommand<Failure>(
  argv: readonly string[],
  dependencies: CommandDependencies<Failure>,
): Promise<Result<void, CommandFailure | Failure>> {
  let outcome: Outcome<Failure> = ok();
  let errors = "";
  const action: ActionOf<Failure> =
    (command) =>
    async (...args) => {
      outcome = await command(...args);
    };
  const program = new Command("quire")
    .description("Administers the data of a Quire server. With the embedded PostgreSQL, stop the server first.")
    .version(dependencies.version, "--version", "show the version")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => dependencies.terminal.write(text),
      writeErr: (text) => {
        errors += text;
      },
    });
  const user = program.command("user").description("administer users").addHelpText("after", DATABASE_TEXT);
  addCreateUser(user, dependencies, action);
  addListUsers(user, dependencies, action);
  addUserChanges(user, dependencies, action);
  addMove(program, dependencies, action);
  addReindex(program, dependencies, action);
  try {
    await program.parseAsync(argv);
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    return thrown.exitCode === 0 ? ok() : err({ kind: "command_line_invalid", detail: errors.trimEnd() });
  }
  return outcome.map(() => undefined);
}

function addCreateUser<Failure>(
  user: Command,
  { terminal, withDatabase }: CommandDependencies<Failure>,
  action: ActionOf<Failure>,
): void {
  user
    .command("create")
    .description("create a user; prompts for everything that no option gives")
    .addOption(new Option("--role <role>", "the role of the user").choices(ROLES).default("author"))
    .option("--name <name>", "1 to 100 characters")
    .option("--email <address>", "the address that the user logs in with")
    .option("--password-stdin", PASSWORD_STDIN_TEXT, false)
    .option("--new-database", "create the database if there is none", false)
    .action(
      action(async (options: CreateUserOptions & { readonly role: Role; readonly newDatabase: boolean }) =>
        safeTry(async function* () {
          const answers = yield* await completeAnswers(terminal, options);
          const { value, location } = yield* await withDatabase(
            options.newDatabase ? "allowed" : "refused",
            async (app) => createUserFromAnswers(app, answers, options.role),
          );
          terminal.print(`Created the ${value.role} ${value.email} with the id ${value.id} in ${location}.`);
          return ok();
        }),
      ),
    );
}

function addListUsers<Failure>(
  user: Command,
  { terminal, withDatabase }: CommandDependencies<Failure>,
  action: ActionOf<Failure>,
): void {
  user
    .command("list")
    .description("list all users, newest first: id, role, e-mail address, name")
    .option("--json", "print one JSON object a line", false)
    .action(
      action(async ({ json }: { readonly json: boolean }) =>
        withDatabase("refused", async ({ operator }) =>
          listUsers(operator, (line) => terminal.print(line), json ? "json" : "columns"),
        ),
      ),
    );
}

function addUserChanges<Failure>(
  user: Command,
  { terminal, withDatabase }: CommandDependencies<Failure>,
  action: ActionOf<Failure>,
): void {
  user
    .command("password")
    .description("change the password of a user, and revoke all of their sessions")
    .argument(USER_ARGUMENT, USER_ARGUMENT_TEXT)
    .option("--password-stdin", PASSWORD_STDIN_TEXT, false)
    .action(
      action(async (reference: string, options: PasswordOptions) =>
        safeTry(async function* () {
          yield* checkReference(reference);
          yield* requireInteractive(terminal, options.passwordStdin ? [] : ["--password-stdin"]);
          const password = yield* await readNewPassword(terminal, options);
          const { value, location } = yield* await withDatabase("refused", async ({ operator }) =>
            setPassword(operator, reference, password),
          );
          terminal.print(`Changed the password of ${value.email} and revoked all of their sessions in ${location}.`);
          return ok();
        }),
      ),
    );
  user
    .command("role")
    .description("change the role of a user")
    .argument(USER_ARGUMENT, USER_ARGUMENT_TEXT)
    .addArgument(user.createArgument("<role>", "the new role").choices(ROLES))
    .action(
      action(async (reference: string, role: Role) =>
        safeTry(async function* () {
          yield* checkReference(reference);
          const { value, location } = yield* await withDatabase("refused", async ({ operator }) =>
            setRole(operator, reference, role),
          );
          terminal.print(`${value.email} has the role ${value.role} in ${location}.`);
          return ok();
        }),
      ),
    );
}

function addMove<Failure>(
  program: Command,
  dependencies: CommandDependencies<Failure>,
  action: ActionOf<Failure>,
): void {
  program
    .command("move")
    .description("copy everything to an empty database, and verify that both are identical; stop Quire on both first")
    .option("--from <location>", "the source database (or the variable QUIRE_MOVE_FROM)")
    .option("--to <location>", "an empty database, or a new directory (or the variable QUIRE_MOVE_TO)")
    .addHelpText("after", MOVE_TEXT)
    .action(
      action(async (options: Partial<MoveLocations>) => {
        const moved = await move(dependencies, options);
        return moved.map((tables) => {
          for (const line of movedLines(tables)) dependencies.terminal.print(line);
        });
      }),
    );
}

function addReindex<Failure>(
  program: Command,
  dependencies: CommandDependencies<Failure>,
  action: ActionOf<Failure>,
): void {
  program
    .command("reindex")
    .description(
      "build the search index of all posts again; searches keep working, and the server builds it by itself when needed",
    )
    .addHelpText("after", DATABASE_TEXT)
    .action(action(async () => reindex(dependencies)));
}

function movedLines(tables: readonly MovedTable[]): readonly string[] {
  const width = Math.max(...tables.map(({ table }) => table.length));
  const lines = tables.map(
    ({ table, rows, checksum }) => `${table.padEnd(width)} ${String(rows).padStart(10)} rows  checksum ${checksum}`,
  );
  return ["Verified: source and target are identical.", ...lines];
}
