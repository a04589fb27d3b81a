declare const process: { env: Record<string, string | undefined>; stdout: { write(text: string): void } };

/** The server that the generated clients call. */
export const baseUrl: string = process.env.QUIRE_URL ?? "";

export const CREDENTIALS = { email: "ada@example.org", password: "correct horse battery staple" };

export interface FlowReport {
  /** The statuses of: register, log in, create, publish, search, edit, stale edit, delete, read after the deletion. */
  readonly statuses: readonly (number | undefined)[];
  readonly total: number | undefined;
  readonly title: string | undefined;
  readonly code: string | undefined;
}

/** Prints the results of the client for the test. */
export function report(result: FlowReport): void {
  process.stdout.write(JSON.stringify(result));
}
