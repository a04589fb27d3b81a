import * as z from "zod";

/** The requests of a backup to a running server, in this order. Each message is one line of JSON. */
export const BackupRequest = z.object({ request: z.enum(["begin", "finish", "end"]) });
export type BackupRequest = z.infer<typeof BackupRequest>;

/** The server's reply to a request. */
export const BackupReply = z.discriminatedUnion("reply", [
  /** `control`: the control file in Base64. */
  z.object({ reply: z.literal("begun"), control: z.base64() }),
  z.object({ reply: z.literal("finished"), lsn: z.string() }),
  z.object({ reply: z.literal("ended") }),
  z.object({ reply: z.literal("refused"), reason: z.enum(["busy", "failed"]), detail: z.string() }),
]);
export type BackupReply = z.infer<typeof BackupReply>;

/** A control file has 8 KiB, and 11 KiB in Base64. */
export const MAX_LINE_BYTES = 65_536;
