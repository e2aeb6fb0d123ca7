/**
 * The PCI transport of a virtio device (virtio 1.2 §4.1): a template of everything that all of them have. A device
 * spreads `banks` and `state`, and `behaviour` of how it serves a queue: for a bounded time, after which it postpones what
 * is left. What a driver does against the rules of a queue makes the device ask for a reset, and is told once.
 */
import type { u16, u8 } from "../../dsl/core/int.ts";
import type { FixedArray } from "../../dsl/core/layout.ts";
import type { GuestBuffer } from "../../dsl/device/guest-memory.ts";
import { Taken, Wanted, type VirtqueueOptions } from "../../dsl/device/virtqueue.ts";
import {
  array,
  bank,
  bits,
  constant,
  readOnly,
  readToClear,
  bit,
  repeat,
  misuse,
  ro,
  rw,
  u32,
  u64,
  virtqueue,
  wo,
  type Virtqueue,
} from "../../dsl/device/vocabulary.ts";
import { endpoint, type EndpointState } from "../pci/endpoint.ts";
import { configurationAccess, structure } from "./structure.ts";
import { goOn, postpone, turns, type Turns } from "./turns.ts";

/** Bits of the device status (§2.1). */
export const deviceStatus = Object.freeze({ driverOk: 0x04, featuresOk: 0x08, needsReset: 0x40 } as const);
/** VIRTIO_MSI_NO_VECTOR (§4.1.5.1.2). */
const noVector = 0xffff;
/** Reserved features that this transport offers (§6): indirect descriptors, event index, version 1. */
const transportFeatures = (1n << 28n) | (1n << 29n) | (1n << 32n);

/** What lies behind base address 0. */
const layout = Object.freeze({
  common: 0x0000,
  isr: 0x0800,
  device: 0x1000,
  notify: 0x2000,
  table: 0x3000,
  pending: 0x3800,
  bytes: 0x4000,
});
/** Bytes behind base address 0. */
export const virtioBarBytes = layout.bytes;

export interface VirtioOptions {
  /** The device's number (§5). */
  readonly kind: number;
  /** PCI class code. */
  readonly classCode: number;
  readonly queues: number;
  /** Descriptors of each queue, a power of two. */
  readonly queueSize: number;
  readonly queue?: VirtqueueOptions;
  /** Feature bits of the device itself (§5). */
  readonly features?: bigint;
  /** Bytes of the device's own configuration; its bank is laid with `configured`. */
  readonly configurationBytes?: number;
  /** Where base address 0 lies at first. */
  readonly gpa: number;
}

/** The part of the state that the templates work on. */
export interface VirtioState extends EndpointState, Turns {
  readonly deviceStatus: { status: u8; queue: u16 };
  readonly driverFeature: FixedArray<{ value: u32 }>;
  readonly configVector: { vector: u16 };
  readonly queueSize: FixedArray<{ value: u32; entries: u16; vector: u16 }>;
  readonly queueEnable: FixedArray<{ enable: u16 }>;
  readonly queueDescriptors: FixedArray<{ readonly value: u64 }>;
  readonly queueDriver: FixedArray<{ readonly value: u64 }>;
  readonly queueDevice: FixedArray<{ readonly value: u64 }>;
  readonly isr: { queue: boolean; configuration: boolean };
  readonly queues: FixedArray<Virtqueue>;
  readonly validQueue: { note(): void };
}

/** Makes the parts of a virtio device. */
export function virtio(options: VirtioOptions) {
  const { queues: count, queueSize, kind, configurationBytes = 0 } = options;
  const features = transportFeatures | (options.features ?? 0n);
  const low = u32(features);
  const high = u32(features >> 32n);
  const vectors = count + 1;
  const pci = endpoint({
    vendorId: 0x1af4,
    deviceId: 0x1040 + kind,
    classCode: options.classCode,
    revision: 1,
    subsystemVendorId: 0x1af4,
    subsystemId: 0x1100,
    bars: [{ index: 0, bytes: layout.bytes, gpa: options.gpa }],
    vectors,
    msix: { bar: 0, table: layout.table, pending: layout.pending },
    capabilities: [
      structure("commonStructure", 1, layout.common, 0x38),
      structure("notifyStructure", 2, layout.notify, count * 4, 4),
      structure("isrStructure", 3, layout.isr, 1),
      ...(configurationBytes === 0
        ? []
        : [structure("deviceStructure", 4, layout.device, configurationBytes)]),
      configurationAccess,
    ],
    aperture: {
      data: "accessData",
      select: "accessBar.bar",
      behind: { 0: "bar0" },
      offset: "accessOffset",
      length: "accessLength",
    },
  });
  const banks = {
    ...pci.banks,
    common: bank(
      u32,
      {
        deviceFeatureSelect: rw(0x00, { word: bits(31, 0) }),
        driverFeatureSelect: rw(0x08, { word: bits(31, 0) }),
        configVector: rw(
          0x10,
          { vector: bits(15, 0), queueCount: constant(bits(31, 16), count) },
          { reset: noVector },
        ),
        deviceStatus: rw(0x14, {
          status: bits(7, 0),
          generation: constant(bits(15, 8), 0),
          queue: bits(31, 16),
        }),
      },
      pci.behind(0, layout.common, 0x38),
    )
      .select("deviceFeatureSelect.word", 2, { deviceFeature: ro(0x04) })
      .select("driverFeatureSelect.word", 2, { driverFeature: rw(0x0c) })
      .select("deviceStatus.queue", count, {
        queueSize: rw(
          0x18,
          { entries: bits(15, 0), vector: bits(31, 16) },
          { reset: queueSize + noVector * 0x1_0000 },
        ),
        queueEnable: rw(0x1c, { enable: bits(15, 0), notifyOffset: readOnly(bits(31, 16)) }),
        queueDescriptors: rw(0x20, {}, { width: u64 }),
        queueDriver: rw(0x28, {}, { width: u64 }),
        queueDevice: rw(0x30, {}, { width: u64 }),
      }),
    isrStatus: bank(
      u32,
      { isr: ro(0, { queue: readToClear(bit(0)), configuration: readToClear(bit(1)) }) },
      pci.behind(0, layout.isr, 4),
    ),
    notify: bank(u32, { queueNotify: repeat(count, 4, wo(0)) }, pci.behind(0, layout.notify, count * 4)),
  };
  const state = {
    ...pci.state,
    queues: array(virtqueue(queueSize, options.queue), count),
    ...turns,
    validQueue: misuse(),
  };

  /** Puts the device back to where a driver finds it (§2.4). */
  const restart = (u: VirtioState): void => {
    u.deviceStatus.status = 0;
    u.deviceStatus.queue = 0;
    u.configVector.vector = noVector;
    u.isr.queue = false;
    u.isr.configuration = false;
    u.later = 0;
    for (let i = 0; i < 2; i += 1) u.driverFeature[i].value = 0;
    for (let i = 0; i < count; i += 1) {
      u.queues[i].stop();
      u.queueEnable[i].enable = 0;
      u.queueSize[i].entries = queueSize;
      u.queueSize[i].vector = noVector;
    }
  };
  /** Asks for a reset: the driver has done what no queue can do. */
  const fail = (u: VirtioState): void => {
    u.validQueue.note();
    u.deviceStatus.status = u.deviceStatus.status | deviceStatus.needsReset;
    if (u.msix.enable) pci.raise(u, u.configVector.vector);
    else u.isr.configuration = true;
  };
  /** Whether the queues are in use: the driver is ready, may be written to, and has done nothing wrong. */
  const running = (u: VirtioState): boolean =>
    (u.deviceStatus.status & (deviceStatus.driverOk | deviceStatus.needsReset)) === deviceStatus.driverOk &&
    u.command.busMaster;
  /** Takes the next chain of a queue; false where there is none, or the queue cannot be used. */
  const next = (u: VirtioState, queue: u8): boolean => {
    if (!running(u)) return false;
    const taken = u.queues[queue < count ? queue : 0].take();
    if (taken === Taken.broken) fail(u);
    return taken === Taken.chain;
  };
  /** Gives the chain back with the bytes written to it. */
  const complete = (u: VirtioState, queue: u8, written: u32): void => {
    if (!u.queues[queue < count ? queue : 0].complete(written)) fail(u);
  };
  /** Copies of the chain that was taken; false, and the device asks for a reset, where it has not as much. */
  const load = (u: VirtioState, queue: u8, buffer: GuestBuffer, at: u32, length: u32): boolean => {
    const loaded = u.queues[queue < count ? queue : 0].load(buffer, at, length);
    if (!loaded) fail(u);
    return loaded;
  };
  /** Gives the chain back with the buffer's first bytes; false, and the device asks for a reset, where they do not fit. */
  const answer = (u: VirtioState, queue: u8, buffer: GuestBuffer, length: u32): boolean => {
    const stored = u.queues[queue < count ? queue : 0].store(buffer, 0, length);
    if (stored) complete(u, queue, length);
    else fail(u);
    return stored;
  };
  /** Interrupts for what was completed, where the driver wants it. */
  const finish = (u: VirtioState, queue: u8): void => {
    if (!running(u)) return;
    const index = queue < count ? queue : 0;
    const wanted = u.queues[index].finish();
    if (wanted === Wanted.broken) fail(u);
    else if (wanted === Wanted.yes) {
      if (u.msix.enable) pci.raise(u, u.queueSize[index].vector);
      else u.isr.queue = true;
    }
  };
  /** A vector that there is, or none. */
  const vectorOf = (vector: u16): u16 => (vector < vectors ? vector : noVector);
  const eventIndexBit = 1 << 29;
  const indirectBit = 1 << 28;

  /**
   * Makes what serves a queue's chains, so many at once, by what serves one: false makes the device ask for a reset. While
   * it is not `ready`, where that is said, chains stay with the driver.
   */
  const server =
    <U extends VirtioState>(
      { queue, atOnce, ready }: { queue: u8; atOnce: number; ready?: (u: U) => boolean },
      serve: (u: U) => boolean,
    ) =>
    (u: U): void => {
      for (let i = 0; i < atOnce; i += 1) {
        if ((ready !== undefined && !ready(u)) || !next(u, queue)) {
          finish(u, queue);
          return;
        }
        if (!serve(u)) {
          fail(u);
          return;
        }
      }
      finish(u, queue);
      postpone(u, queue);
    };
  /** Sends the messages that are asked for, or asks at the pin as the ISR status says (§4.1.4.5). */
  const deliver = (u: VirtioState): void => {
    pci.deliver(u);
    pci.interrupt(u, u.isr.queue || u.isr.configuration);
  };
  /** What every device does, by what serves one of its queues, and what follows when the driver resets the device. */
  const behaviour = <U extends VirtioState>(serve: (u: U, queue: u8) => void, stopped?: (u: U) => void) => ({
    peek: {
      deviceFeature: (_u: U, index: u8): u32 => (index === 0 ? low : high),
      queueEnable: { notifyOffset: (_u: U, index: u8): u16 => index },
    },
    write: { queueNotify: serve },
    written: {
      configVector: (u: U): void => {
        u.configVector.vector = vectorOf(u.configVector.vector);
      },
      deviceStatus: (u: U, value: u32, old: u32): void => {
        const status = value & 0xff;
        const before = old & 0xff;
        if (status === 0) {
          restart(u);
          if (stopped !== undefined) stopped(u);
          return;
        }
        let kept: u8 = status | (before & deviceStatus.needsReset);
        // What was not offered, or a driver of before 1.0 (§6.1).
        const refused =
          u32(u.driverFeature[0].value & ~low) !== 0 ||
          u32(u.driverFeature[1].value & ~high) !== 0 ||
          (u.driverFeature[1].value & 1) === 0;
        if ((before & deviceStatus.featuresOk) === 0 && refused)
          kept = kept & ~deviceStatus.featuresOk & 0xff;
        u.deviceStatus.status = kept;
      },
      queueSize: (u: U, index: u8): void => {
        const i = index < count ? index : 0;
        u.queueSize[i].vector = vectorOf(u.queueSize[i].vector);
      },
      queueEnable: (u: U, index: u8): void => {
        const i = index < count ? index : 0;
        const queue = u.queues[i];
        if (u.queueEnable[i].enable === 1 && !queue.ready) {
          const accepted = u.driverFeature[0].value;
          const started = queue.start(
            u.queueDescriptors[i].value,
            u.queueDriver[i].value,
            u.queueDevice[i].value,
            u.queueSize[i].entries,
            (accepted & indirectBit) !== 0,
            (accepted & eventIndexBit) !== 0,
          );
          if (!started) fail(u);
        }
        u.queueEnable[i].enable = queue.ready ? 1 : 0;
      },
    },
    expire: { more: goOn(serve) },
    reset: restart,
    settle: deliver,
  });
  /** Where the device's own configuration lies. */
  const configured = pci.behind(0, layout.device, Math.max(configurationBytes, 4));
  return {
    banks,
    state,
    behaviour,
    configured,
    running,
    next,
    complete,
    load,
    answer,
    finish,
    fail,
    server,
  };
}
