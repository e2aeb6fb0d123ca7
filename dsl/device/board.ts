/**
 * What surrounds every device: time, wires, bytes, messages. A device's state names each of its outputs by a wire
 * number; the kernel (or a test) knows where the wire ends. So one compiled device serves every instance and domain.
 */
import { binding } from "../core/binding.ts";
import type { u16, u32, u64, u8 } from "../core/int.ts";
import type { FixedArray } from "../core/layout.ts";

/** A value from outside, if it is there. */
export interface GuestValue {
  readonly ok: boolean;
  readonly value: u64;
}

/** The interface that a device's surroundings provide. Wire numbers are those given to `initialise`. */
export interface Board {
  /** Nanoseconds since the domain started; stands still while it is paused. */
  now(): u64;
  /** Time of day at `now() === 0`, in nanoseconds since 1970-01-01 00:00 UTC; `now()` added gives the present. */
  epoch(): u64;
  /** Asks for `expire` of a timer at `deadlineNs`, or at once if that has passed; replaces an earlier request. */
  armTimer(wire: u16, deadlineNs: u64): void;
  /** Withdraws a timer's request. */
  cancelTimer(wire: u16): void;
  /** An output line has changed to `level`. Called for changes only. */
  setLine(wire: u16, level: boolean): void;
  /** A byte has left the device. Always taken. */
  putByte(wire: u16, byte: u8): void;
  /** A source has room for bytes again. */
  sourceReady(wire: u16): void;
  /**
   * An interrupt message: `destination` is an APIC id or a logical set, `command` has the layout of ICR[31:0] (Intel
   * SDM vol. 3 §11.6.1): vector [7:0], delivery mode [10:8], logical [11], level [14], trigger [15], shorthand [19:18].
   */
  sendMessage(wire: u16, destination: u32, command: u32): void;
  /** An event without a level, with a value that the output's declaration explains. */
  raiseSignal(wire: u16, value: u32): void;
  /**
   * Reads 1, 2 or 4 bytes of PCI configuration space on the guest's buses: bus [27:20], device [19:15], function
   * [14:12], register [11:0] (PCI Express 5.0 §7.2.2). Ones where no function is.
   */
  readConfiguration(address: u32, width: u8): u32;
  writeConfiguration(address: u32, width: u8, value: u32): void;
  /** The guest's counter, in ticks since the domain started; stands still while it is paused. */
  ticks(): u64;
  /** How many of those ticks a second has. */
  ticksPerSecond(): u64;
  /** Whether the guest may have a page of its memory at `gpa` covered: it is memory, and aligned. */
  coversMemory(gpa: u64): boolean;
  /** Lays the page of a wire over the guest's memory at `gpa`, where `coversMemory` holds; it leaves where it was before. */
  placePage(wire: u16, gpa: u64): void;
  /** Takes the page away: the guest sees what lies below it again. */
  removePage(wire: u16): void;
  /** Writes 8 bytes of a page, `offset` a multiple of 8 below 4096. */
  writePage(wire: u16, offset: u16, value: u64): void;
  /** The instruction that calls the hypervisor, followed by a near return, as bytes from the lowest on. */
  hypercallInstruction(): u32;
  /** Tells the administrator what the guest reports. */
  report(wire: u16, code: u32, a: u64, b: u64): void;
  /** Reads 2, 4 or 8 bytes of the guest's memory. */
  readMemory(gpa: u64, width: u8): GuestValue;
  /** Writes 2, 4 or 8 bytes of the guest's memory, after everything written before; false where the guest could not. */
  writeMemory(gpa: u64, width: u8, value: u64): boolean;
  /** Copies `length` bytes of the guest's memory to `bytes` from `at` on; false, and nothing changes, where not all are there. */
  copyFromMemory(gpa: u64, bytes: FixedArray<u8>, at: u32, length: u32): boolean;
  /** The same into the guest's memory; false, and nothing changes, where the guest could not write all of it. */
  copyToMemory(gpa: u64, bytes: FixedArray<u8>, at: u32, length: u32): boolean;
  /** Size of the volume behind a wire; 0 where it is missing. */
  volumeSectors(wire: u16): u64;
  /** Opens a request of the wire's volume; false where it is under way, or there is none of that number. */
  openRequest(wire: u16, slot: u8): boolean;
  /** Adds a stretch of the guest's memory to an open request, to be written or read by the disk; false where it is not there, or too much. */
  addToRequest(wire: u16, slot: u8, gpa: u64, bytes: u32, writing: boolean): boolean;
  /** Begins an open request; `operation` is a `BlockOperation`. A byte of the device's source from the volume tells the end. */
  submitRequest(wire: u16, slot: u8, operation: u8, sector: u64, sectors: u32): void;
  /** The number of a wire's end among those that share one memory. */
  sharedPosition(wire: u16): u16;
  /** Lays shared memory at `gpa`, a multiple of its size; it leaves where it was before, and is away where a bridge passes nothing on. */
  placeShared(wire: u16, gpa: u64): void;
  /** Takes it away. */
  removeShared(wire: u16): void;
  /** Pulses a pin of another that shares the memory; false where there is none, or it has no such pin. */
  ringPeer(wire: u16, peer: u16, bell: u16): boolean;
  /** Lets the guest read the flash of a wire as memory, or has every access of it reach the device. */
  showFlash(wire: u16, there: boolean): void;
  /** A byte of that flash; ones beyond its end. */
  flashByte(wire: u16, offset: u32): u8;
  /** Replaces a byte; nothing beyond its end. */
  programFlash(wire: u16, offset: u32, value: u8): void;
  /** Sets all bits of a stretch, as far as it lies within. */
  eraseFlash(wire: u16, offset: u32, bytes: u32): void;
  /** Eight bytes of the machine's random numbers; not `ok` where it has none. */
  random(): GuestValue;
  /** The address of a port on its network, the first byte in [7:0]. */
  portAddress(wire: u16): u64;
  /** Nanoseconds until a port may send again; 0: it may now. */
  portDelay(wire: u16): u64;
  /** Copies `length` bytes of the guest's memory to the frame that a port is to send, from its byte `at` on; false where not all are there, or the frame has no room. */
  loadFrame(wire: u16, gpa: u64, at: u32, length: u32): boolean;
  /** Sends that frame with its first `length` bytes; false, and it goes nowhere, where it is no frame that the port may send. */
  sendFrame(wire: u16, length: u16): boolean;
  /** Bytes of the frame that has waited longest at a port; 0: none waits. */
  waitingFrame(wire: u16): u16;
  /** Copies `length` bytes of it, from `at` on, to the guest's memory; false where the guest could not write them. */
  storeFrame(wire: u16, gpa: u64, at: u32, length: u32): boolean;
  /** Lets it go. */
  dropFrame(wire: u16): void;
  /** The address of an end of a channel among the channel's; 0 for one that is on none. */
  endAddress(wire: u16): u32;
  /** Whether the channel has another end with that address, whose guest runs. */
  reachesEnd(wire: u16, address: u32): boolean;
  /** Gives a message to that end: one of `Sent`. */
  sendToEnd(wire: u16, address: u32, bytes: FixedArray<u8>, length: u32): u8;
  /** Bytes of the next message for an end; 0: none waits. */
  waitingMessage(wire: u16): u32;
  /** Takes that message; its length, 0 where none waits or `bytes` has no room for it. */
  takeMessage(wire: u16, bytes: FixedArray<u8>): u32;
  /** The guest has used, for the first time, what the device declares as unimplemented; `ordinal` is the model's. */
  unimplemented(wire: u16, ordinal: u8): void;
}

/** The board that the running device is on. */
export const board: Board = binding<Board>("board");

/** Nanoseconds since the domain started. */
export function now(): u64 {
  return board.now();
}
