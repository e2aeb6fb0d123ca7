/**
 * A trace's bytes, as the kernel writes and the host reads them: a row of records of four little-endian 64-bit words.
 *
 * | word | content |
 * | --- | --- |
 * | 0 | ticks of the host's timebase |
 * | 1 | what: the fields of {@link whatFields} |
 * | 2 | the value |
 * | 3 | [47:0] sequence number of the CPU's ring, from 1; [63:48] {@link recordMark} |
 *
 * The first record is a header: {@link headerMagic}, ticks per second, the digest of the model, the mark and {@link formatVersion}.
 */

/** What happened. */
export enum TraceKind {
  /** A guest read a register. */
  read = 1,
  /** A guest wrote a register. */
  write = 2,
  /** A scalar of the state (a register's cell, an element, a FIFO's fill) got another value. */
  change = 3,
  /** An output line changed to the level `value`. */
  line = 4,
  /** A byte left a device. */
  byteOut = 5,
  /** A byte reached a device. */
  byteIn = 6,
  /** A timer was armed for the nanosecond `value`. */
  arm = 7,
  /** A timer was disarmed. */
  cancel = 8,
  /** A timer's deadline has come. */
  expire = 9,
  /** An interrupt message: the destination in [63:32], the command in [31:0]. */
  message = 10,
  /** An event without a level. */
  signal = 11,
  /** A guest makes a hypercall; the first word of its input. */
  hypercall = 13,
  /** What a hypercall has come to: 0, or the convention's status. */
  status = 14,
  /** An entry point of the device's own (`calls`) is entered: one record for each argument, or one with 0 where it has none. */
  call = 15,
  /** What an entry point of the device's own gives back. */
  result = 16,
  /** The device begins: all its state that it does not retain is 0. */
  restart = 17,
  /** The device goes on from a save. */
  resume = 18,
  /** A word of the state that was saved. */
  restored = 19,
  /** As many records as `value` says were written over before they left the machine. */
  lost = 12,
}

/** Bytes of a record. */
export const recordBytes = 32;
/** In [63:48] of every record's last word. */
export const recordMark = 0x7654n;
/** "TVTRACE\0" as a little-endian word. */
export const headerMagic = 0x0045_4341_5254_5654n;
/** Changes with every change of the format. */
export const formatVersion = 4n;

/** The fields of word 1: bits [msb:lsb]. */
export const whatFields = Object.freeze({
  kind: { msb: 5, lsb: 0 },
  /** Base-2 logarithm of the bytes of an access. */
  width: { msb: 7, lsb: 6 },
  /** The device's place in the model's list. */
  device: { msb: 19, lsb: 8 },
  /** Of a change, and of what is restored: byte offset in the device's state. */
  offset: { msb: 47, lsb: 20 },
  /** Of all others: a register's place in the device's list, a wire's ordinal, the place of a hypercall or a call. */
  subject: { msb: 31, lsb: 20 },
  /** The element of a repeated register. */
  index: { msb: 39, lsb: 32 },
  /** Which part of a register that is wider than its bank, the lowest first; which argument of a call. */
  part: { msb: 47, lsb: 40 },
  /** The host CPU. */
  cpu: { msb: 55, lsb: 48 },
  /** The vCPU that the CPU runs or ran last, counted over all guests; {@link noVcpu} where there was none. */
  vcpu: { msb: 63, lsb: 56 },
});

/** The number of no vCPU. */
export const noVcpu = 255;

/** Whether a kind of event is of a place in the device's state. */
export function isOfState(kind: TraceKind): boolean {
  return kind === TraceKind.change || kind === TraceKind.restored;
}

/** Word 1 without what is known only when it happens. */
export function whatOf(kind: TraceKind, device: number, subject: number, part = 0, bytes = 1): bigint {
  const put = (value: number, { lsb }: { readonly lsb: number }): bigint => BigInt(value) << BigInt(lsb);
  return (
    put(kind, whatFields.kind) |
    put(Math.log2(bytes), whatFields.width) |
    put(device, whatFields.device) |
    put(subject, whatFields.subject) |
    put(part, whatFields.part)
  );
}
