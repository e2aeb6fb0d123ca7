/**
 * The memory that structs live in when the same source runs in Node: one flat buffer, so that a reference is an
 * address here as it is on the machine, state can be compared byte by byte with a native run, and what module scope
 * wrote into static storage is its initial content in the image.
 */

/** Size of the buffer in bytes. Untouched pages cost nothing. */
const memoryBytes = 256 * 1024 * 1024;

const buffer = new ArrayBuffer(memoryBytes);
const view = new DataView(buffer);
let next = 4096;

/** The buffer of all structs and arrays in Node. Address 0 is null; the first page is never given out. */
export const memory = { buffer, view } as const;

/** Takes `size` zeroed bytes at `align` and returns their address. Throws RangeError when the buffer is full. */
export function allocate(size: number, align: number): number {
  const address = Math.ceil(next / align) * align;
  if (address + size > memoryBytes) throw new RangeError(`the Node memory of ${memoryBytes} bytes is full`);
  next = address + size;
  return address;
}
