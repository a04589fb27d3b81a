declare const process: { env: Record<string, string | undefined>; stdout: { write(text: string): void } };

/** The server that the generated clients call. */
export const baseUrl: string = process.env.QUIRE_URL ?? "";

export const CREDENTIALS = { email: "ada@example.org", password: "correct horse battery staple" };

export interface FlowReport {
  /** Of: register, log in, create, publish, search, edit, stale edit, delete, read what is deleted. */
  readonly statuses: readonly (number | undefined)[];
  readonly total: number | undefined;
  readonly title: string | undefined;
  readonly code: string | undefined;
}

/** Tells the test what the client got. */
export function report(result: FlowReport): void {
  process.stdout.write(JSON.stringify(result));
}
