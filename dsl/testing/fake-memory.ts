/** Guest memory for tests: stretches of bytes at guest-physical addresses, between which nothing is. */
import type { FixedArray } from "../core/layout.ts";
import type { Board, GuestValue } from "../device/board.ts";

interface Stretch {
  readonly gpa: bigint;
  readonly bytes: Uint8Array;
  readonly writable: boolean;
}

/** A guest's memory. */
export class FakeMemory {
  readonly #stretches: Stretch[] = [];
  /** Called before every look that a device takes at an integer: what another CPU of the guest may do meanwhile. */
  beforeRead: (gpa: bigint) => void = () => undefined;

  /** Puts memory at an address. */
  add(gpa: number | bigint, bytes: number, writable = true): void {
    this.#stretches.push({ gpa: BigInt(gpa), bytes: new Uint8Array(bytes), writable });
  }
  /** Bytes from an address on; undefined where one of them is not there, or not writable and asked for to write. */
  at(gpa: number | bigint, length: number, writing = false): Uint8Array | undefined {
    const address = BigInt(gpa);
    const found = this.#stretches.find(
      (s) => address >= s.gpa && address + BigInt(length) <= s.gpa + BigInt(s.bytes.length),
    );
    if (found === undefined || (writing && !found.writable)) return undefined;
    const start = Number(address - found.gpa);
    return found.bytes.subarray(start, start + length);
  }
  /** Writes an integer of 1 to 8 bytes, as the guest's software does. */
  set(gpa: number | bigint, width: number, value: number | bigint): void {
    const bytes = this.#there(gpa, width);
    for (let i = 0; i < width; i++) bytes[i] = Number((BigInt(value) >> BigInt(8 * i)) & 0xffn);
  }
  /** Reads an integer of 1 to 8 bytes. */
  get(gpa: number | bigint, width: number): bigint {
    return integer(this.#there(gpa, width));
  }
  /** Writes bytes, as the guest's software does. */
  fill(gpa: number | bigint, bytes: ArrayLike<number>): void {
    this.#there(gpa, bytes.length).set(bytes);
  }
  #there(gpa: number | bigint, width: number): Uint8Array {
    const bytes = this.at(gpa, width);
    if (bytes === undefined) throw new RangeError(`there is no memory at 0x${BigInt(gpa).toString(16)}`);
    return bytes;
  }

  /** What devices use of it. */
  readonly board: Pick<Board, "readMemory" | "writeMemory" | "copyFromMemory" | "copyToMemory"> = {
    readMemory: (gpa, width): GuestValue => {
      this.beforeRead(gpa);
      const bytes = this.at(gpa, width);
      return bytes === undefined ? { ok: false, value: 0n } : { ok: true, value: integer(bytes) };
    },
    writeMemory: (gpa, width, value) => {
      if (this.at(gpa, width, true) === undefined) return false;
      this.set(gpa, width, value);
      return true;
    },
    copyFromMemory: (gpa, to, at, length) => {
      const bytes = this.#copied(gpa, to, at, length, false);
      bytes?.forEach((byte, i) => (to[at + i] = byte));
      return bytes !== undefined;
    },
    copyToMemory: (gpa, from, at, length) => {
      const bytes = this.#copied(gpa, from, at, length, true);
      if (bytes === undefined) return false;
      for (let i = 0; i < length; i++) bytes[i] = from[at + i]!;
      return true;
    },
  };
  #copied(
    gpa: bigint,
    own: FixedArray<number>,
    at: number,
    length: number,
    writing: boolean,
  ): Uint8Array | undefined {
    return at + length > own.length ? undefined : this.at(gpa, length, writing);
  }
}

function integer(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}
