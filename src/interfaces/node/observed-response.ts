import { ServerResponse, type IncomingMessage } from "node:http";

/** Hears of an answer while it is made. */
export interface ResponseObserver {
  /** Called before the head is written, which can still say that the connection closes. */
  beforeHead(): void;
  /** Called when the whole answer has been written: so many bytes of it wait for the client. */
  afterEnd(unsentBytes: number): void;
}

/** A longer text is encoded here, so that it is not kept beside its bytes while these wait. In UTF-16 code units. */
const LONG_TEXT = 65_536;

export class ObservedResponse<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {
  observer: ResponseObserver | null = null;

  override writeHead(statusCode: number, ...rest: unknown[]): this {
    this.observer?.beforeHead();
    return super.writeHead(statusCode, ...(rest as []));
  }

  override end(...written: unknown[]): this {
    const [body] = written;
    if (typeof body === "string" && body.length > LONG_TEXT) written[0] = Buffer.from(body);
    super.end(...(written as []));
    this.observer?.afterEnd(this.writableLength);
    return this;
  }
}
