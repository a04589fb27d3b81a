import type { SessionId } from "../../domain/shared/id.ts";
import { isSessionToken } from "../../domain/session/session.ts";
import { dateIn, fieldsOf, idIn, textIn, type Snapshot } from "../idempotency/snapshot.ts";
import { PROFILE_SNAPSHOT } from "../users/profile-snapshot.ts";
import type { LoggedIn } from "./log-in.ts";

export const LOG_IN_SNAPSHOT: Snapshot<LoggedIn> = {
  write: ({ user, ...session }) => ({ ...session, user: PROFILE_SNAPSHOT.write(user) }),

  read: (data) => {
    const fields = fieldsOf(data);
    const id = idIn<SessionId>(fields["id"]);
    const token = textIn(fields["token"]);
    const expiresAt = dateIn(fields["expiresAt"]);
    const user = PROFILE_SNAPSHOT.read(fields["user"]);
    if (id === null || expiresAt === null || user === null || token === null || !isSessionToken(token)) return null;
    return { id, token, expiresAt, user };
  },
};
