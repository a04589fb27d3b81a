import { mayActFor, type Viewer } from "../access.ts";
import type { Role, User } from "./user.ts";

/**
 * The part of a user that a viewer sees. The password hash is never visible; the address and the role are `null` for a viewer
 * who may not act for the user. A public role would reveal the accounts of admins to attackers.
 */
export type UserProfile = Omit<User, "passwordHash" | "email" | "role"> & {
  readonly email: User["email"] | null;
  readonly role: Role | null;
};

/** The whole profile, for the user and for admins. */
export function ownProfile({ passwordHash: _, ...profile }: User): UserProfile {
  return profile;
}

export function profileFor(viewer: Viewer, user: User): UserProfile {
  const profile = ownProfile(user);
  return viewer !== null && mayActFor(viewer, user.id) ? profile : { ...profile, email: null, role: null };
}
