/**
 * A pair of NVMe queues (NVM Express 1.4 §4): commands go in, completions come out. Command identifiers are slots of the
 * submission queue's length less one, so that neither queue can run over.
 */
import { array, bool, struct, type ValueOf } from "../../../dsl/core/layout.ts";
import { u16, u32, u64 } from "../../../dsl/core/int.ts";
import { addressOf, fence, fillBytes, lowestBit, volatile } from "../../../dsl/core/intrinsics.ts";

/** Entries of each queue, and commands under way at once. */
export const queueLength = 64;
export const mostCommands = queueLength - 1;
const allCommands = (1n << BigInt(mostCommands)) - 1n;

/** A command (§4.2). */
export const NvmeCommand = struct("NvmeCommand", {
  opcode: u16,
  id: u16,
  namespace: u32,
  spare: array(u64, 2),
  prp1: u64,
  prp2: u64,
  words: array(u32, 6),
});
export type NvmeCommand = ValueOf<typeof NvmeCommand>;
/** A completion (§4.6): `status` has the phase in bit 0. */
const NvmeCompletion = struct("NvmeCompletion", { result: u64, head: u16, queue: u16, id: u16, status: u16 });

/** A pair of queues; both begin at a page. */
export const NvmeQueue = struct(
  "NvmeQueue",
  {
    commands: array(NvmeCommand, queueLength),
    completions: array(NvmeCompletion, queueLength),
    /** Bit n: the command with identifier n is under way. */
    busy: u64,
    /** Host-physical addresses of the doorbells. */
    tailBell: u64,
    headBell: u64,
    tail: u16,
    head: u16,
    phase: u16,
    ready: bool,
  },
  { align: 4096 },
);
export type NvmeQueue = ValueOf<typeof NvmeQueue>;

/** Host-physical address of the completion queue. */
export function completionsOf(queue: NvmeQueue): u64 {
  return addressOf(queue.completions);
}

/** Empties a pair of queues; `stride` is the distance of doorbells (§3.1.3). */
export function openQueue(queue: NvmeQueue, registers: u64, index: u32, stride: u64): void {
  fillBytes(addressOf(queue.completions), 0, BigInt(queueLength * 16));
  queue.tailBell = u64(registers + 0x1000n + u64(BigInt(2 * index) * stride));
  queue.headBell = u64(registers + 0x1000n + u64(BigInt(2 * index + 1) * stride));
  queue.busy = 0n;
  queue.tail = 0;
  queue.head = 0;
  queue.phase = 1;
}

/** An identifier that is free, or -1. */
export function freeCommand(queue: NvmeQueue): number {
  const free = u64(~queue.busy & allCommands);
  return free === 0n ? -1 : lowestBit(free);
}

/** The place of the next command, zeroed. */
export function nextCommand(queue: NvmeQueue): NvmeCommand {
  const command = queue.commands[queue.tail & (queueLength - 1)];
  fillBytes(addressOf(command), 0, 64n);
  return command;
}

/** Hands the next command over under an identifier. */
export function ring(queue: NvmeQueue, id: u32): void {
  const tail = queue.tail & (queueLength - 1);
  queue.commands[tail].id = u16(id);
  queue.busy = u64(queue.busy | (1n << BigInt(id & 63)));
  queue.tail = (tail + 1) & (queueLength - 1);
  fence();
  volatile.store32(queue.tailBell, queue.tail);
}

/** The next completion's identifier and status (0: success), taken; -1 where there is none. */
export function nextCompletion(queue: NvmeQueue): { readonly id: number; readonly status: u32 } {
  const head = queue.head & (queueLength - 1);
  const word = volatile.load32(u64(addressOf(queue.completions[head]) + 12n));
  if (((word >>> 16) & 1) !== queue.phase) return { id: -1, status: 0 };
  fence();
  queue.head = (head + 1) & (queueLength - 1);
  if (queue.head === 0) queue.phase = queue.phase === 0 ? 1 : 0;
  volatile.store32(queue.headBell, queue.head);
  const id = word & 63;
  queue.busy = u64(queue.busy & ~u64(1n << BigInt(id)));
  return { id, status: word >>> 17 };
}
