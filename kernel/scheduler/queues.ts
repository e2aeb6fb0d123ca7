/**
 * Queues of vCPUs by a key, the least first: binary heaps in one array, in each of which a vCPU knows its place, so that
 * it is put in, taken out and found first in O(log n) steps. Keys are compared by their difference modulo 2^64, and so
 * may run over.
 */
import { i32, i64, u32, u64, u16 } from "../../dsl/core/int.ts";
import { array, struct } from "../../dsl/core/layout.ts";
import { storage } from "../../dsl/core/storage.ts";

/** Some queues of vCPUs, each of which is in one of them at most. */
export interface Queues {
  /** Puts a vCPU that is in none into one. */
  insert(queue: u32, vcpu: u32, key: u64): void;
  /** Takes a vCPU out of the one that it is in. */
  remove(vcpu: u32): void;
  /** The vCPU with the least key, or -1. */
  head(queue: u32): i32;
  /** The queue that a vCPU is in, or -1. */
  queueOf(vcpu: u32): i32;
  /** What a vCPU was put in with. */
  key(vcpu: u32): u64;
  /** Empties all. */
  clear(): void;
}

/** Builds queues; `room` is how many vCPUs each may have to hold. */
export function queues(vcpus: number, room: readonly number[]): Queues {
  const count = room.length;
  const starts = storage("queueStarts", array(u32, count), { constant: true });
  let total = 0;
  for (const [queue, length] of room.entries()) {
    starts[queue] = total;
    total += length;
  }
  const lengths = storage("queueLengths", array(u32, count));
  const items = storage("queueItems", array(u16, Math.max(total, 1)));
  /** `place` is one more than the position; 0: in no queue. */
  const Entry = struct("QueueEntry", { key: u64, queue: u32, place: u32 });
  const entries = storage("queueEntries", array(Entry, vcpus));
  /** Steps between the head of the largest queue and its last level, at most: an exit's path is bounded by it. */
  const levels = Math.ceil(Math.log2(Math.max(...room) + 1));

  const put = (at: u32, position: u32, vcpu: u32): void => {
    items[at] = u16(vcpu);
    entries[vcpu].place = u32(position + 1);
  };
  /** Moves a vCPU from a position that is free towards the head, and says where it stays. */
  const rise = (start: u32, from: u32, vcpu: u32): u32 => {
    const key = entries[vcpu].key;
    let at: u32 = from;
    for (let level = 0; level < levels; level++) {
      if (at === 0) break;
      const parent = (at - 1) >>> 1;
      const other = items[start + parent];
      if (i64(key - entries[other].key) >= 0n) break;
      put(u32(start + at), at, other);
      at = parent;
    }
    return at;
  };
  /** Moves a vCPU from a position that is free away from the head, and says where it stays. */
  const sink = (start: u32, length: u32, from: u32, vcpu: u32): u32 => {
    const key = entries[vcpu].key;
    let at: u32 = from;
    for (let level = 0; level < levels; level++) {
      let child: u32 = u32(2 * at + 1);
      if (child >= length) break;
      let least: u32 = items[start + child];
      if (child + 1 < length) {
        const other = items[start + child + 1];
        if (i64(entries[other].key - entries[least].key) < 0n) {
          child = u32(child + 1);
          least = other;
        }
      }
      if (i64(entries[least].key - key) >= 0n) break;
      put(u32(start + at), at, least);
      at = child;
    }
    return at;
  };

  return Object.freeze({
    insert(queue: u32, vcpu: u32, key: u64): void {
      const start = starts[queue];
      const length = lengths[queue];
      lengths[queue] = u32(length + 1);
      entries[vcpu].key = key;
      entries[vcpu].queue = queue;
      const at = rise(start, length, vcpu);
      put(u32(start + at), at, vcpu);
    },
    remove(vcpu: u32): void {
      const { queue, place } = entries[vcpu];
      const start = starts[queue];
      const length = u32(lengths[queue] - 1);
      lengths[queue] = length;
      entries[vcpu].place = 0;
      const hole = u32(place - 1);
      if (hole === length) return;
      // The last one fills the gap, and may belong on either side of it.
      const last = items[start + length];
      const risen = rise(start, hole, last);
      const at = risen === hole ? sink(start, length, hole, last) : risen;
      put(u32(start + at), at, last);
    },
    head: (queue: u32): i32 => (lengths[queue] === 0 ? -1 : items[starts[queue]]),
    queueOf: (vcpu: u32): i32 => (entries[vcpu].place === 0 ? -1 : i32(entries[vcpu].queue)),
    key: (vcpu: u32): u64 => entries[vcpu].key,
    clear(): void {
      for (let i = 0; i < count; i++) lengths[i] = 0;
      for (let i = 0; i < vcpus; i++) entries[i].place = 0;
    },
  });
}
