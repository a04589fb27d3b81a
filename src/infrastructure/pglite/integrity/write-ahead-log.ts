import { closeSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import type { ControlFile } from "./control-file.ts";
import { crc32c } from "./crc32c.ts";
import type { Lsn } from "../../sql/lsn.ts";

/** The start of the log to read, and the values that its files must have. */
export type LogStart = Pick<ControlFile, "systemIdentifier" | "redo" | "timeline" | "walSegmentBytes">;

// XLogPageHeaderData and XLogLongPageHeaderData (PostgreSQL 18, access/xlog_internal.h).
const PAGE_BYTES = 8192;
const PAGE_MAGIC = 0xd118;
const PAGE_OFFSET = { magic: 0, info: 2, timeline: 4, address: 8, remaining: 16 } as const;
const LONG_PAGE_OFFSET = { systemIdentifier: 24, segmentBytes: 32, pageBytes: 36 } as const;
const PAGE_HEADER_BYTES = 24;
/** After a clean shutdown one record is left to read, so a whole segment would be read in vain. */
const READ_BYTES = 32 * PAGE_BYTES;
const LONG_PAGE_HEADER_BYTES = 40;
const FIRST_IS_CONTRECORD = 1;
const LONG_HEADER = 2;
const FIRST_IS_OVERWRITE_CONTRECORD = 8;
const ALL_FLAGS = 0xf;

// XLogRecord (PostgreSQL 18, access/xlogrecord.h).
const RECORD_OFFSET = { length: 0, previous: 8, info: 16, manager: 17, crc: 20 } as const;
const RECORD_HEADER_BYTES = 24;
const RECORD_ALIGNMENT = 8;
/**
 * The high half of a record's info belongs to its resource manager. Resource manager 0 is the log itself, and its 0x40
 * is XLOG_SWITCH.
 */
const MANAGER_INFO = 0xf0;
const XLOG_MANAGER = 0;
const XLOG_SWITCH = 0x40;

/** A walk over the log. Positions are numbers here, which are exact up to 2^53 (8 PiB of log). */
interface Walk {
  readonly cluster: string;
  readonly start: LogStart;
  /** The segment file that was read last, or parts of it. All segments reuse this memory. */
  readonly bytes: Buffer;
  readonly view: DataView;
  /** The number of that segment, and the part of it that was read last: its first byte, and the byte after it. */
  loaded: number;
  loadedFrom: number;
  loadedTo: number;
  /** The offset of the page in it whose header was checked last. */
  page: number;
  /**
   * The position of the walk: a segment, and an offset in it. The offset is the segment's size when the next segment is
   * due.
   */
  segment: number;
  offset: number;
  /** The start and the end of the last valid record. The start is missing until there is one. */
  previous: number | null;
  end: number;
  /** A buffer for a record's header, which may lie on two pages. */
  readonly header: DataView;
}

/**
 * Reads the log like crash recovery, and returns the position after its last valid record, where PostgreSQL would
 * continue. It follows XLogDecodeNextRecord (PostgreSQL 18, access/transam/xlogreader.c). The first invalid record is
 * the end, even if valid ones follow. The result is the start if no record there is valid. It is the end of the page if
 * the last record fills its page, like the result of pg_current_wal_flush_lsn().
 */
export function endOfWal(cluster: string, start: LogStart): Lsn {
  const bytes = Buffer.allocUnsafe(start.walSegmentBytes);
  const redo = Number(start.redo);
  const walk: Walk = {
    cluster,
    start,
    bytes,
    view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    loaded: -1,
    loadedFrom: 0,
    loadedTo: 0,
    page: -1,
    segment: Math.floor(redo / start.walSegmentBytes),
    offset: redo % start.walSegmentBytes,
    previous: null,
    end: redo,
    header: new DataView(new ArrayBuffer(RECORD_HEADER_BYTES)),
  };
  while (readRecord(walk));
  return BigInt(walk.end);
}

/**
 * Whether a log that ends at `end` holds everything before `position`. PostgreSQL has two names for one position. If a
 * record fills its page, the flushed position is the end of the page, and the inserted position is after the header of
 * the next page (XLogBytePosToEndRecPtr and XLogBytePosToRecPtr; PostgreSQL 18, access/transam/xlog.c).
 */
export function logReaches(end: Lsn, position: Lsn, walSegmentBytes: number): boolean {
  if (end % BigInt(PAGE_BYTES) !== 0n) return position <= end;
  const startsSegment = end % BigInt(walSegmentBytes) === 0n;
  return position <= end + BigInt(startsSegment ? LONG_PAGE_HEADER_BYTES : PAGE_HEADER_BYTES);
}

/** Moves the walk after the next record, or to the position where reading continues; `false` at the end of the log. */
function readRecord(walk: Walk): boolean {
  if (!openPage(walk)) return false;
  const page = walk.offset - (walk.offset % PAGE_BYTES);
  const firstRecord = page + pageHeaderBytes(walk, page);
  if (walk.offset === page) walk.offset = firstRecord;
  if (walk.offset % RECORD_ALIGNMENT !== 0) return false;
  // The continuation of a record is at a position where a record should start.
  if (walk.offset === firstRecord && (pageInfo(walk, page) & FIRST_IS_CONTRECORD) !== 0) return false;
  const length = walk.view.getUint32(walk.offset + RECORD_OFFSET.length, true);
  if (length < RECORD_HEADER_BYTES) return false;
  return walk.offset + length <= page + PAGE_BYTES ? readRecordOnPage(walk, length) : readLongRecord(walk, length);
}

function readRecordOnPage(walk: Walk, length: number): boolean {
  const position = walk.segment * walk.start.walSegmentBytes + walk.offset;
  if (!followsPrevious(walk, walk.view, walk.offset, position)) return false;
  const crc = crc32c(walk.view, walk.offset + RECORD_HEADER_BYTES, walk.offset + length);
  return acceptRecord(walk, walk.view, walk.offset, { position, crc, endOffset: walk.offset + length });
}

/** Reads a record that continues on the next page, or on several pages, which may be in the next segment. */
function readLongRecord(walk: Walk, length: number): boolean {
  const position = walk.segment * walk.start.walSegmentBytes + walk.offset;
  let isHeaderRead = false;
  let remaining = length;
  let crc = 0;
  for (;;) {
    const piece = Math.min(remaining, PAGE_BYTES - (walk.offset % PAGE_BYTES));
    const dataOffset = walk.offset + copyHeader(walk, length - remaining, piece);
    walk.offset += piece;
    crc = crc32c(walk.view, dataOffset, walk.offset, crc);
    remaining -= piece;
    // This comes before the check of the next page: an abandoned record is skipped only if its beginning is valid.
    if (!isHeaderRead && length - remaining >= RECORD_HEADER_BYTES) {
      if (!followsPrevious(walk, walk.header, 0, position)) return false;
      isHeaderRead = true;
    }
    if (remaining === 0) return acceptRecord(walk, walk.header, 0, { position, crc, endOffset: walk.offset });
    if (!openPage(walk)) return false;
    const info = pageInfo(walk, walk.offset);
    // A crash cut the record off, and recovery rewrote the page: the log continues with the contents of the page.
    if ((info & FIRST_IS_OVERWRITE_CONTRECORD) !== 0) return true;
    if ((info & FIRST_IS_CONTRECORD) === 0) return false;
    if (walk.view.getUint32(walk.offset + PAGE_OFFSET.remaining, true) !== remaining) return false;
    walk.offset += pageHeaderBytes(walk, walk.offset);
  }
}

/** Copies the part of a record's header that a piece holds, and returns the number of those bytes. */
function copyHeader(walk: Walk, before: number, piece: number): number {
  const count = Math.min(piece, Math.max(0, RECORD_HEADER_BYTES - before));
  for (let index = 0; index < count; index += 1) {
    walk.header.setUint8(before + index, walk.view.getUint8(walk.offset + index));
  }
  return count;
}

/** Whether a record names its predecessor. An old record in a recycled file may be valid except for that. */
function followsPrevious(walk: Walk, header: DataView, at: number, position: number): boolean {
  const previous = readPosition(header, at + RECORD_OFFSET.previous);
  return walk.previous === null ? previous < position : previous === walk.previous;
}

/** Checks a record whose data has the checksum `crc`, and moves the walk after it. */
function acceptRecord(
  walk: Walk,
  header: DataView,
  at: number,
  record: { readonly position: number; readonly crc: number; readonly endOffset: number },
): boolean {
  // In a record's checksum the header comes last, without the checksum field.
  const crc = crc32c(header, at, at + RECORD_OFFSET.crc, record.crc);
  if (header.getUint32(at + RECORD_OFFSET.crc, true) !== crc) return false;
  const isSwitch =
    header.getUint8(at + RECORD_OFFSET.manager) === XLOG_MANAGER &&
    (header.getUint8(at + RECORD_OFFSET.info) & MANAGER_INFO) === XLOG_SWITCH;
  const { walSegmentBytes } = walk.start;
  walk.offset = isSwitch ? walSegmentBytes : Math.ceil(record.endOffset / RECORD_ALIGNMENT) * RECORD_ALIGNMENT;
  walk.previous = record.position;
  walk.end = walk.segment * walSegmentBytes + walk.offset;
  return true;
}

/** Makes the current page readable, and checks its header; `false` if there is no such page. */
function openPage(walk: Walk): boolean {
  if (walk.offset === walk.start.walSegmentBytes) {
    walk.segment += 1;
    walk.offset = 0;
  }
  if (walk.segment !== walk.loaded) {
    walk.loaded = walk.segment;
    walk.loadedFrom = 0;
    walk.loadedTo = 0;
    // Only the first page of a segment identifies the cluster, so it is checked wherever reading starts.
    if (!isPageValid(walk, 0)) return false;
    walk.page = 0;
  }
  const page = walk.offset - (walk.offset % PAGE_BYTES);
  if (page === walk.page) return true;
  if (!isPageValid(walk, page)) return false;
  walk.page = page;
  return true;
}

/** The checks of XLogReaderValidatePageHeader (PostgreSQL 18, access/transam/xlogreader.c), for a log with one timeline. */
function isPageValid(walk: Walk, page: number): boolean {
  const { view, start } = walk;
  if (!isLoaded(walk, page)) return false;
  if (view.getUint16(page + PAGE_OFFSET.magic, true) !== PAGE_MAGIC) return false;
  if (view.getUint32(page + PAGE_OFFSET.timeline, true) !== start.timeline) return false;
  // A recycled file has the addresses of its earlier segment.
  if (readPosition(view, page + PAGE_OFFSET.address) !== walk.segment * start.walSegmentBytes + page) return false;
  const info = pageInfo(walk, page);
  if ((info & ~ALL_FLAGS) !== 0) return false;
  if ((info & LONG_HEADER) === 0) return page !== 0;
  return (
    view.getBigUint64(page + LONG_PAGE_OFFSET.systemIdentifier, true) === start.systemIdentifier &&
    view.getUint32(page + LONG_PAGE_OFFSET.segmentBytes, true) === start.walSegmentBytes &&
    view.getUint32(page + LONG_PAGE_OFFSET.pageBytes, true) === PAGE_BYTES
  );
}

function pageInfo(walk: Walk, page: number): number {
  return walk.view.getUint16(page + PAGE_OFFSET.info, true);
}

function pageHeaderBytes(walk: Walk, page: number): number {
  return (pageInfo(walk, page) & LONG_HEADER) === 0 ? PAGE_HEADER_BYTES : LONG_PAGE_HEADER_BYTES;
}

function readPosition(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
}

/** Makes a page readable; `false` if the segment has no such page, or it cannot be read. */
function isLoaded(walk: Walk, page: number): boolean {
  const end = page + PAGE_BYTES;
  if (page >= walk.loadedFrom && end <= walk.loadedTo) return true;
  walk.loadedFrom = page;
  walk.loadedTo = page + readPart(walk, page, Math.min(READ_BYTES, walk.bytes.length - page));
  return end <= walk.loadedTo;
}

/** Reads a part of the current segment into its place, and returns the number of bytes. */
function readPart({ cluster, start, segment, bytes }: Walk, from: number, length: number): number {
  let count = 0;
  try {
    const descriptor = openSync(join(cluster, "pg_wal", segmentFile(start, segment)), "r");
    try {
      for (let read = -1; read !== 0 && count < length; count += read) {
        read = readSync(descriptor, bytes, from + count, length - count, from + count);
      }
    } finally {
      closeSync(descriptor);
    }
  } catch {
    // Unreadable data is the end of the log, as in crash recovery.
  }
  return count;
}

/** The name of a segment: the timeline, and both halves of its first position (XLogFileName, access/xlog_internal.h). */
export function segmentFile(start: LogStart, segment: number): string {
  const segmentsPerHalf = 2 ** 32 / start.walSegmentBytes;
  return [start.timeline, Math.floor(segment / segmentsPerHalf), segment % segmentsPerHalf]
    .map((part) => part.toString(16).toUpperCase().padStart(8, "0"))
    .join("");
}
