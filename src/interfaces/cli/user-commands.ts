import { Option, type Command } from "commander";
import { ok, safeTry, type Result } from "neverthrow";
import type { UseCases } from "../../application/application.ts";
import type { AdministerUsers } from "../../application/users/administer-users.ts";
import { ROLES, type Role } from "../../domain/user/user.ts";
import type { ActionOf } from "./action.ts";
import type { CommandFailure } from "./command-failure.ts";
import { completeAnswers, parseAnswers, type CreateUserOptions } from "./create-user.ts";
import { readNewPassword, requireInteractive, type PasswordOptions } from "./password.ts";
import type { Terminal } from "./terminal.ts";
import { checkReference, listUsers, setPassword, setRole, userJson } from "./users.ts";

/** Whether a command may create the database if there is none. */
export type NewDatabase = "allowed" | "refused";

export type OperatorUseCases = Pick<UseCases, "createUser"> & { readonly operator: AdministerUsers };

/** Runs a command on the configured database, and closes it. */
export type WithDatabase<Failure> = <T>(
  newDatabase: NewDatabase,
  run: (app: OperatorUseCases) => Promise<Result<T, CommandFailure>>,
) => Promise<Result<{ readonly value: T; readonly location: string }, CommandFailure | Failure>>;

export interface UserDependencies<Failure> {
  readonly terminal: Terminal;
  readonly withDatabase: WithDatabase<Failure>;
}

interface JsonOption {
  readonly json: boolean;
}

const USER_ARGUMENT = "<user>";
const USER_ARGUMENT_TEXT = "the user's e-mail address or id";
const PASSWORD_STDIN_TEXT = "read the password from standard input, without its last line break";

const JSON_TEXT = "print the user as a JSON object";

export const DATABASE_TEXT = `
The commands use the database of the server: DATABASE_URL, or else QUIRE_DATA_DIR (default: ./data), from the environment or
from the file .env.`;

export function addUsers<Failure>(
  program: Command,
  dependencies: UserDependencies<Failure>,
  action: ActionOf<Failure>,
): void {
  const user = program.command("user").description("administer users").addHelpText("after", DATABASE_TEXT);
  addCreateUser(user, dependencies, action);
  addListUsers(user, dependencies, action);
  addUserChanges(user, dependencies, action);
}

function addCreateUser<Failure>(
  user: Command,
  { terminal, withDatabase }: UserDependencies<Failure>,
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
    .option("--json", JSON_TEXT, false)
    .action(
      action(async (options: CreateUserOptions & JsonOption & { readonly role: Role; readonly newDatabase: boolean }) =>
        safeTry(async function* () {
          // Invalid answers create no database.
          const answers = yield* parseAnswers(yield* await completeAnswers(terminal, options));
          const { value, location } = yield* await withDatabase(
            options.newDatabase ? "allowed" : "refused",
            async ({ createUser }) => createUser({ ...answers, role: options.role }),
          );
          const text = `Created the ${value.role} ${value.email} with the id ${value.id} in ${location}.`;
          terminal.print(options.json ? userJson(value) : text);
          return ok();
        }),
      ),
    );
}

function addListUsers<Failure>(
  user: Command,
  { terminal, withDatabase }: UserDependencies<Failure>,
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
  { terminal, withDatabase }: UserDependencies<Failure>,
  action: ActionOf<Failure>,
): void {
  user
    .command("password")
    .description("change the password of a user, and revoke all of their sessions")
    .argument(USER_ARGUMENT, USER_ARGUMENT_TEXT)
    .option("--password-stdin", PASSWORD_STDIN_TEXT, false)
    .option("--json", JSON_TEXT, false)
    .action(
      action(async (reference: string, options: PasswordOptions & JsonOption) =>
        safeTry(async function* () {
          yield* checkReference(reference);
          yield* requireInteractive(terminal, options.passwordStdin ? [] : ["--password-stdin"]);
          const password = yield* await readNewPassword(terminal, options);
          const { value, location } = yield* await withDatabase("refused", async ({ operator }) =>
            setPassword(operator, reference, password),
          );
          const text = `Changed the password of ${value.email} and revoked all of their sessions in ${location}.`;
          terminal.print(options.json ? userJson(value) : text);
          return ok();
        }),
      ),
    );
  user
    .command("role")
    .description("change the role of a user")
    .argument(USER_ARGUMENT, USER_ARGUMENT_TEXT)
    .addArgument(user.createArgument("<role>", "the new role").choices(ROLES))
    .option("--json", JSON_TEXT, false)
    .action(
      action(async (reference: string, role: Role, { json }: JsonOption) =>
        safeTry(async function* () {
          yield* checkReference(reference);
          const { value, location } = yield* await withDatabase("refused", async ({ operator }) =>
            setRole(operator, reference, role),
          );
          terminal.print(json ? userJson(value) : `${value.email} has the role ${value.role} in ${location}.`);
          return ok();
        }),
      ),
    );
}
