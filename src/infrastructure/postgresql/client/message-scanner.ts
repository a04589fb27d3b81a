/** Receives the type of each message, and the part of its contents that is in the same chunk as its header. */
type OnMessage = (type: string, contents: Buffer) => void;

const TYPED_HEADER_BYTES = 5;
const LENGTH_BYTES = 4;

/**
 * Finds the messages in one direction of a connection (PostgreSQL 18, 54.7) by their headers, in chunks of any size. It
 * keeps none of their contents.
 *
 * @param isClient Whether it reads the messages of a client, the first of which has no type.
 */
export function messageScanner(isClient: boolean, onMessage: OnMessage): (chunk: Buffer) => void {
  const header = Buffer.alloc(TYPED_HEADER_BYTES);
  let headerBytes = isClient ? 1 : 0;
  let contentsBytes = 0;
  return (chunk) => {
    for (let at = 0; at < chunk.length;) {
      if (contentsBytes > 0) {
        const skipped = Math.min(contentsBytes, chunk.length - at);
        at += skipped;
        contentsBytes -= skipped;
        continue;
      }
      header[headerBytes++] = chunk[at++] ?? 0;
      if (headerBytes < TYPED_HEADER_BYTES) continue;
      headerBytes = 0;
      contentsBytes = Math.max(0, header.readUInt32BE(1) - LENGTH_BYTES);
      onMessage(String.fromCharCode(header[0] ?? 0), chunk.subarray(at, at + contentsBytes));
    }
  };
}
