/** A driver of virtio devices for model tests: the guest's side of the transport and of split queues (virtio 1.2 §2.7, §4.1). */
import { attach, type Attached } from "../../../dsl/testing/attach.ts";
import { FakeBoard } from "../../../dsl/testing/fake-board.ts";
import type { Device } from "../../../dsl/device/device.ts";

/** One descriptor as the driver writes it. */
export interface Descriptor {
  readonly gpa: number | bigint;
  readonly bytes: number;
  /** For the device to write. */
  readonly writable?: boolean;
}
/** What the device gave back. */
export interface Used {
  readonly head: number;
  readonly bytes: number;
}

export const descriptorFlag = Object.freeze({ next: 1, write: 2, indirect: 4 });
/** Feature bits of the transport. */
export const feature = Object.freeze({ indirect: 1n << 28n, eventIndex: 1n << 29n, version1: 1n << 32n });

/** Where everything of a queue lies; data may lie from `data` on. */
export function placesOf(queue: number) {
  const base = 0x1_0000 * (queue + 1);
  return {
    descriptors: base,
    driver: base + 0x2000,
    device: base + 0x3000,
    indirect: base + 0x4000,
    data: base + 0x8000,
  };
}
/** Bytes of guest memory, from 0 on. */
const memoryBytes = 0x10_0000;

/** A driver that has a device to itself. */
export class Driver<U> {
  readonly guest: Attached<U>;
  readonly size: number;
  #offered: number[] = [];
  #seen: number[] = [];

  constructor(device: Device<U>, size: number, board = new FakeBoard()) {
    this.size = size;
    board.memory.add(0, memoryBytes);
    this.guest = attach(device, board, { configuration: 0x8000 });
  }
  get memory() {
    return this.guest.board.memory;
  }
  /** The device status. */
  get status(): number {
    return this.guest.readAt("common", 0x14, 1);
  }

  /** Brings the device up to FEATURES_OK with these features; the status that it then has. */
  negotiate(features: bigint): number {
    this.guest.writeAt("configuration", 4, 2, 6);
    for (const status of [0, 1, 3]) this.guest.writeAt("common", 0x14, 1, status);
    for (const word of [0, 1]) {
      this.guest.writeAt("common", 0x08, 4, word);
      this.guest.writeAt("common", 0x0c, 4, Number((features >> BigInt(32 * word)) & 0xffff_ffffn));
    }
    this.guest.writeAt("common", 0x14, 1, 11);
    return this.status;
  }
  /** Sets a queue up. */
  enable(queue: number, places = placesOf(queue), size = this.size): void {
    this.guest.writeAt("common", 0x16, 2, queue);
    this.guest.writeAt("common", 0x18, 2, size);
    this.guest.writeAt("common", 0x1a, 2, queue + 1);
    this.guest.writeAt64("common", 0x20, BigInt(places.descriptors));
    this.guest.writeAt64("common", 0x28, BigInt(places.driver));
    this.guest.writeAt64("common", 0x30, BigInt(places.device));
    this.guest.writeAt("common", 0x1c, 2, 1);
  }
  /** MSI-X with a message for each vector: the vector's number and 0x40. */
  interrupts(vectors: number): void {
    for (let i = 0; i < vectors; i++) {
      this.guest.write("vectorAddress", 0xfee0_0000, i);
      this.guest.write("vectorData", 0x40 + i, i);
      this.guest.write("vectorControl", 0, i);
    }
    this.guest.writeAt("configuration", 0x42, 2, 0x8000);
    this.guest.writeAt("common", 0x10, 2, 0);
  }
  /** Everything at once, with `queues` queues. */
  start(queues: number, features = feature.version1): this {
    this.negotiate(features);
    this.interrupts(queues + 1);
    for (let i = 0; i < queues; i++) this.enable(i);
    this.guest.writeAt("common", 0x14, 1, 15);
    return this;
  }

  /** Writes one descriptor of a table. */
  describe(table: number, index: number, { gpa, bytes }: Descriptor, flags: number, next: number): void {
    this.memory.set(table + index * 16, 8, gpa);
    this.memory.set(table + index * 16 + 8, 4, bytes);
    this.memory.set(table + index * 16 + 12, 2, flags);
    this.memory.set(table + index * 16 + 14, 2, next);
  }
  /** Writes a chain that starts at descriptor `head` of a table. */
  chain(table: number, head: number, list: readonly Descriptor[]): void {
    list.forEach((d, i) => {
      const more = i + 1 < list.length;
      const flags = (d.writable === true ? descriptorFlag.write : 0) | (more ? descriptorFlag.next : 0);
      this.describe(table, head + i, d, flags, more ? head + i + 1 : 0);
    });
  }
  /** Puts a head into the available ring. */
  offer(queue: number, head: number): void {
    const { driver } = placesOf(queue);
    const at = this.#offered[queue] ?? 0;
    this.memory.set(driver + 4 + 2 * (at % this.size), 2, head);
    this.#offered[queue] = (at + 1) & 0xffff;
    this.memory.set(driver + 2, 2, (at + 1) & 0xffff);
  }
  notify(queue: number): void {
    this.guest.writeAt("notify", queue * 4, 2, queue);
  }
  /** Offers one chain and notifies; what came back. */
  request(queue: number, list: readonly Descriptor[]): readonly Used[] {
    this.chain(placesOf(queue).descriptors, 0, list);
    this.offer(queue, 0);
    this.notify(queue);
    return this.used(queue);
  }
  /** What the device has given back since the last time. */
  used(queue: number): readonly Used[] {
    const { device } = placesOf(queue);
    const now = Number(this.memory.get(device + 2, 2));
    const list: Used[] = [];
    for (let at = this.#seen[queue] ?? 0; at !== now; at = (at + 1) & 0xffff) {
      const entry = device + 4 + 8 * (at % this.size);
      list.push({ head: Number(this.memory.get(entry, 4)), bytes: Number(this.memory.get(entry + 4, 4)) });
    }
    this.#seen[queue] = now;
    return list;
  }
  /** Vectors that were sent. */
  vectors(): readonly number[] {
    return this.guest.messages("messages").map(({ command }) => (command & 0xff) - 0x40);
  }
}
