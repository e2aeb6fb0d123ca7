/**
 * The host's 16550: the operator's console. What the hypervisor says is polled out with a bounded wait. What a guest says
 * goes out at once where the transmitter is free and otherwise waits in a ring, which the kernel's loop empties: no exit
 * waits for the wire. Input arrives by interrupt into another ring, and a full one leaves bytes in the UART, so that
 * whoever sends is held back instead of losing text.
 */
import { struct, array, type ValueOf, bool } from "../../dsl/core/layout.ts";
import { i32, u16, u32, u8 } from "../../dsl/core/int.ts";
import { storage } from "../../dsl/core/storage.ts";
import { in8, out8 } from "./instructions.ts";
import { transmitter } from "./transmitter.ts";

// Register offsets, National PC16550D §8.
const data = 0;
const interruptEnable = 1;
const fifoControl = 2;
const lineControl = 3;
const modemControl = 4;
const lineStatus = 5;

const receiveInterrupt: u8 = 0x01;
const receiverReady = 0x01;
const transmitterEmpty = 0x20;

/** Polls of the line status before a byte is given up: far longer than one byte takes at 115,200 baud. */
const transmitPolls = 100_000;

/** Bytes that wait for the consumer; a power of two. */
const ringBytes = 1024;
const Port = struct("SerialPort", { base: u16, divisor: u16 });
export type SerialPort = ValueOf<typeof Port>;
const port = storage("serialPort", Port);
port.base = 0x3f8;
port.divisor = 1;

/** Chooses the UART's first I/O port and its rate, from 2 to 115,200 baud. Build time only. */
export function useSerialPort(base: number, baud: number): void {
  port.base = base;
  port.divisor = Math.round(115_200 / baud);
}

/**
 * Sends from now on to another first I/O port, which nobody has set up. A debug port without registers of its own will
 * do: what no device claims reads as a transmitter that is ready.
 */
export function serialMove(base: u16): void {
  port.base = base;
}

function read(register: u16): u8 {
  return in8(u16(port.base + register));
}

function write(register: u16, value: u8): void {
  out8(u16(port.base + register), value);
}

const Ring = struct("SerialRing", {
  /** Bytes put in and taken out since start; their difference is the fill. */
  put: u32,
  taken: u32,
  /** The ring was full, and the receive interrupt is off until there is room. */
  held: bool,
  bytes: array(u8, ringBytes),
});
export type SerialRing = ValueOf<typeof Ring>;
const ring = storage("serialRing", Ring);

/** Sets the rate, 8N1, FIFOs on, interrupts off. */
export function serialSetup(): void {
  write(interruptEnable, 0);
  write(lineControl, 0x80);
  write(data, u8(port.divisor));
  write(interruptEnable, u8(port.divisor >> 8));
  write(lineControl, 0x03);
  write(fifoControl, 0x07);
  // DTR, RTS, and OUT2, which gates the interrupt line on a PC.
  write(modemControl, 0x0b);
}

const line = transmitter("serialTransmitter", {
  isFree: () => (read(lineStatus) & transmitterEmpty) !== 0,
  // A byte that follows is lost where the transmitter stays busy.
  await: () => {
    for (let i = 0; i < transmitPolls; i++) if ((read(lineStatus) & transmitterEmpty) !== 0) break;
  },
  send: (byte: u8) => write(data, byte),
});

/** Sends one byte behind all that waits; drops it where the transmitter stays busy. */
export const serialPut = line.put;
/** Sends one byte without waiting, or lets it wait; false where something waits for `serialFlush` now. */
export const serialQueue = line.queue;
/** Sends what waits, as far as the transmitter takes it, and never leaves much; true where nothing is left. */
export const serialFlush = line.flush;

/** Waits until the last byte has left the wire, within bounds. */
export function serialDrain(): void {
  line.empty();
  for (let i = 0; i < transmitPolls; i++) {
    if ((read(lineStatus) & 0x40) !== 0) break;
  }
}

/** Lets received bytes raise the UART's interrupt. */
export function serialEnableInput(): void {
  write(interruptEnable, receiveInterrupt);
}

/** Moves received bytes into the ring: the interrupt's work, and safe to call at any time with interrupts off. */
export function serialReceive(): void {
  // As many as the ring holds: a line that always says "ready" must not keep the CPU.
  for (let i = 0; i < ringBytes; i++) {
    if ((read(lineStatus) & receiverReady) === 0) return;
    if (u32(ring.put - ring.taken) >= ringBytes) {
      // In this order: another CPU that takes bytes switches the interrupt on again once it sees that it is held.
      write(interruptEnable, 0);
      ring.held = true;
      return;
    }
    ring.bytes[ring.put & (ringBytes - 1)] = read(data);
    ring.put = u32(ring.put + 1);
  }
}

/** Takes the oldest received byte, or -1. Interrupts must be off, or only this CPU's consumer running. */
export function serialGet(): i32 {
  if (ring.put === ring.taken) return -1;
  const byte = ring.bytes[ring.taken & (ringBytes - 1)];
  ring.taken = u32(ring.taken + 1);
  if (ring.held && u32(ring.put - ring.taken) <= ringBytes >> 1) {
    ring.held = false;
    write(interruptEnable, receiveInterrupt);
  }
  return byte;
}
