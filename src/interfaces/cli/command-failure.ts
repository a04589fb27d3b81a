import type { ChangePasswordError } from "../../application/users/change-password.ts";
import type { ListUsersError } from "../../application/users/list-users.ts";
import type { UpdateUserError } from "../../application/users/update-user.ts";
import { EXIT } from "../../bootstrap/exit-codes.ts";
import type { AnswerRefused } from "./create-user.ts";
import { explain, type Explanation, type ProcessFailure } from "../../bootstrap/process-failure.ts";
import type { InputRefused } from "./standard-input.ts";

/** Why a command ends without having done what it says. */
export type CommandFailure =
  ProcessFailure | AnswerRefused | InputRefused | ListUsersError | ChangePasswordError | UpdateUserError;

/** The refusals of use cases; every other failure has its text in process-failure.ts. */
type Refused = Exclude<CommandFailure, ProcessFailure | AnswerRefused | InputRefused>["kind"];

const REFUSALS: Readonly<Record<Refused, string>> = {
  user_not_found: "No user has this e-mail address or id. quire user list shows those that there are.",
  version_conflict: "Others changed the user again and again meanwhile, so nothing was changed. Run the command again.",
  // An operator's rights reach everywhere, and no version and no current password is asked of one.
  forbidden: "The operator may not do this.",
  precondition_failed: "The user has changed meanwhile. Run the command again.",
  current_password_required: "The current password is missing.",
  wrong_password: "The current password is wrong.",
  last_admin: "This is the last admin. Make another user an admin first: quire user role <user> admin.",
};

export function explainCommand(failure: CommandFailure): Explanation {
  switch (failure.kind) {
    case "answer_refused":
      return {
        exitCode: EXIT.usage,
        message: `The ${failure.answer} is not accepted. ${failure.detail}`,
      };
    case "input_refused":
      return { exitCode: EXIT.usage, message: failure.detail };
    case "user_not_found":
    case "version_conflict":
    case "forbidden":
    case "precondition_failed":
    case "current_password_required":
    case "wrong_password":
    case "last_admin":
      return { exitCode: EXIT.dataError, message: REFUSALS[failure.kind] };
    default:
      return explain(failure);
  }
}
