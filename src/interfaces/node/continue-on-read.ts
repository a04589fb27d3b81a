import type { IncomingMessage, ServerResponse } from "node:http";

/**
 * Sends `100 Continue` when the app starts to read the body. If the head alone decides that the request is refused, the
 * client need not send the body (RFC 9110, 10.1.1).
 */
export function continueOnRead(request: IncomingMessage, response: ServerResponse): void {
  const read = request._read.bind(request);
  request._read = (size) => {
    request._read = read;
    if (!response.headersSent) response.writeContinue();
    read(size);
  };
}
