import type { UserProfile } from "../../domain/user/user-profile.ts";
import { isStoredEmail } from "../../domain/user/email-address.ts";
import type { UserId } from "../../domain/shared/id.ts";
import { isRole, isStoredName } from "../../domain/user/user.ts";
import { dateIn, fieldsOf, idIn, textIn, versionIn, type Snapshot } from "../idempotency/snapshot.ts";

/** The profile that users see of themselves. */
export const PROFILE_SNAPSHOT: Snapshot<UserProfile> = {
  write: (profile) => profile,

  read: (data) => {
    const fields = fieldsOf(data);
    const id = idIn<UserId>(fields["id"]);
    const name = textIn(fields["name"]);
    const email = textIn(fields["email"]);
    const role = fields["role"];
    const version = versionIn(fields["version"]);
    const createdAt = dateIn(fields["createdAt"]);
    const updatedAt = dateIn(fields["updatedAt"]);
    if (id === null || version === null || createdAt === null || updatedAt === null || !isRole(role)) return null;
    if (name === null || !isStoredName(name) || email === null || !isStoredEmail(email)) return null;
    return { id, name, email, role, version, createdAt, updatedAt };
  },
};
