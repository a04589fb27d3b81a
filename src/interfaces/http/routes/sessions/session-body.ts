import * as z from "zod";
import type { Session } from "../../../../domain/session/session.ts";
import type { SessionId } from "../../../../domain/shared/id.ts";
import { BODIES } from "../../openapi/bodies.ts";
import { IdBody, TimeBody } from "../../values.ts";

export const SessionBody = z
  .object({
    id: IdBody,
    createdAt: TimeBody,
    lastUsedAt: TimeBody,
    expiresAt: TimeBody,
    current: z.boolean(),
  })
  .register(BODIES, { id: "Session" });

export function presentSession(session: Session, current: SessionId): z.infer<typeof SessionBody> {
  return {
    id: session.id,
    createdAt: session.createdAt.toISOString(),
    lastUsedAt: session.lastUsedAt.toISOString(),
    expiresAt: session.expiresAt.toISOString(),
    current: session.id === current,
  };
}
