import type { IncomingMessage, ServerResponse } from "node:http";

/**
 * Sends `100 Continue` when the app begins to read the body, and not before: a client that waits for it is spared the body
 * when the head alone decides that the request is refused (RFC 9110, 10.1.1).
 */
export function continueOnRead(request: IncomingMessage, response: ServerResponse): void {
  const read = request._read.bind(request);
  request._read = (size) => {
    request._read = read;
    if (!response.headersSent) response.writeContinue();
    read(size);
  };
}
