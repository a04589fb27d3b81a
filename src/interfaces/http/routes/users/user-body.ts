import * as z from "zod";
import type { UserProfile } from "../../../../domain/user/user-profile.ts";
import { ROLES } from "../../../../domain/user/user.ts";
import { BODIES } from "../../openapi/bodies.ts";
import { IdBody, TimeBody } from "../../values.ts";

export const UserBody = z
  .object({
    id: IdBody,
    name: z.string(),
    email: z.string().nullable(),
    role: z.enum(ROLES).nullable(),
    version: z.int().positive(),
    createdAt: TimeBody,
    updatedAt: TimeBody,
  })
  .register(BODIES, { id: "User" });

export function presentUser(user: UserProfile): z.infer<typeof UserBody> {
  return {
    id: user.id,
    name: user.name,
    email: user.email,
    role: user.role,
    version: user.version,
    createdAt: user.createdAt.toISOString(),
    updatedAt: user.updatedAt.toISOString(),
  };
}

/** A user without the address and the role is another representation of the same version, so it has another ETag. */
export function userResource(user: UserProfile) {
  const representation = user.email === null ? ("public" as const) : ("full" as const);
  return { version: user.version, representation, body: presentUser(user) };
}

/** The current password in a body. A text that cannot be a password counts as a wrong one. */
export const CURRENT_PASSWORD = z.string();
