/** What the requests of a virtio-blk device look like (virtio 1.2 §5.2). */

/** Bytes of a sector, whatever the disk's own are. */
export const sectorBytes = 512;
/** Feature bits (§5.2.3). */
export const blkFeature = Object.freeze({
  sizeMax: 1n << 1n,
  segMax: 1n << 2n,
  readOnly: 1n << 5n,
  flush: 1n << 9n,
  discard: 1n << 13n,
});
/** Types of requests (§5.2.6). */
export const blkRequest = Object.freeze({ read: 0, write: 1, flush: 4, id: 8, discard: 11 } as const);
/** Their answers (§5.2.6). */
export const blkAnswer = Object.freeze({ ok: 0, failed: 1, unsupported: 2 } as const);
/** Bytes of a request's header, of a range to discard, of the disk's name. */
export const headerBytes = 16;
export const rangeBytes = 16;
export const nameBytes = 20;
/** A disk's name as the bytes of the answer. */
export const nameOf = (name: string): readonly number[] =>
  Object.freeze(
    Array.from({ length: nameBytes }, (_, i) => (i < name.length ? name.charCodeAt(i) & 0x7f : 0)),
  );
