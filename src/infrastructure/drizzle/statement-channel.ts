import { tracingChannel } from "node:diagnostics_channel";

/** The message of the channel: the method of the repository that runs the statement, such as `posts.insert`. */
export interface TracedStatement {
  readonly operation: string;
}

/** Reports the beginning and the end of each statement to its subscribers, such as a tracer. */
export const statementChannel = tracingChannel<string, TracedStatement>("quire:statement");

/** Runs a statement, and reports it if anyone subscribes. */
export async function reported<T>(operation: string, run: () => Promise<T>): Promise<T> {
  return statementChannel.start.hasSubscribers ? statementChannel.tracePromise(run, { operation }) : run();
}
