/** A volume for tests: bytes, and requests that end when the test says so. */
import { BlockOperation, BlockResult, completionByte, requestsPerVolume } from "../device/volume.ts";
import type { FakeMemory } from "./fake-memory.ts";

/** One request under way. */
export interface FakeRequest {
  readonly slot: number;
  readonly pieces: { readonly gpa: bigint; readonly bytes: number; readonly writing: boolean }[];
  operation: BlockOperation;
  sector: bigint;
  sectors: number;
}

/** The volume of one wire. */
export class FakeVolume {
  bytes = new Uint8Array(16 * 512);
  /** Requests that were submitted and have not ended, in that order. */
  readonly submitted: FakeRequest[] = [];
  readonly #open = new Map<number, FakeRequest>();
  readonly #memory: FakeMemory;

  constructor(memory: FakeMemory) {
    this.#memory = memory;
  }
  open(slot: number): boolean {
    if (slot >= requestsPerVolume || this.submitted.some((r) => r.slot === slot)) return false;
    this.#open.set(slot, {
      slot,
      pieces: [],
      operation: BlockOperation.read,
      sector: 0n,
      sectors: 0,
    });
    return true;
  }
  add(slot: number, gpa: bigint, bytes: number, writing: boolean): boolean {
    if (this.#memory.at(gpa, bytes, writing) === undefined) return false;
    this.#open.get(slot)?.pieces.push({ gpa, bytes, writing });
    return true;
  }
  submit(slot: number, operation: BlockOperation, sector: bigint, sectors: number): void {
    const request = this.#open.get(slot);
    if (request === undefined) throw new Error(`request ${slot} is not open`);
    this.#open.delete(slot);
    this.submitted.push(Object.assign(request, { operation, sector, sectors }));
  }
  /** Ends the oldest request, or the one with a number, and moves its data where it is done; the byte that tells of it. */
  end(result?: BlockResult, slot = this.submitted[0]?.slot): number {
    const at = this.submitted.findIndex((r) => r.slot === slot);
    const [request] = at < 0 ? [] : this.submitted.splice(at, 1);
    if (request === undefined) throw new Error("no such request is under way");
    const outcome = result ?? this.#perform(request);
    return completionByte(request.slot, outcome);
  }
  #perform({ operation, sector, sectors, pieces }: FakeRequest): BlockResult {
    if (operation === BlockOperation.flush) return BlockResult.done;
    const whole = BigInt(this.bytes.length / 512);
    if (sector > whole || BigInt(sectors) > whole - sector) return BlockResult.outside;
    let at = Number(sector) * 512;
    for (const { gpa, bytes } of pieces) {
      const memory = this.#memory.at(gpa, bytes)!;
      if (operation === BlockOperation.read) memory.set(this.bytes.subarray(at, at + bytes));
      if (operation === BlockOperation.write) this.bytes.set(memory, at);
      at += bytes;
    }
    return BlockResult.done;
  }
}
