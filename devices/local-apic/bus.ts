/** Messages between local APICs, and from the I/O APIC. */
import { u32 } from "../../dsl/device/vocabulary.ts";
import {
  type Apic,
  apicId,
  baseEnable,
  firstVector,
  isX2,
  lowestPriority,
  modeExtInt,
  modeInit,
  modeNmi,
  modeStartup,
  sendIllegalVector,
} from "./shape.ts";
import { deliver, raiseErrors, settle } from "./requests.ts";

/** The logical id of an x2APIC: cluster in [31:16], one bit in [15:0] (Intel SDM vol. 3 §11.12.10.2). */
export function x2LogicalId(u: Apic): u32 {
  const id = u.initialId;
  return u32(((id >>> 4) << 16) | (1 << (id & 15)));
}

export function matches(u: Apic, destination: u32, command: u32): boolean {
  if (destination === 0xffff_ffff || destination === 0xff) return true;
  if ((command & 0x800) === 0) return destination === apicId(u);
  if (isX2(u)) {
    const own = x2LogicalId(u);
    return (destination & 0xffff & own) !== 0 && destination >>> 16 === own >>> 16;
  }
  const own = u.ldr.id;
  const wanted = destination & 0xff;
  if (u.dfr.model === 0xf) return (own & wanted) !== 0;
  return (own & 0xf0) === (wanted & 0xf0) && (own & wanted & 0x0f) !== 0;
}

export function accept(u: Apic, _destination: u32, command: u32): boolean {
  if ((u.base & baseEnable) === 0n) return false;
  const mode = (command >>> 8) & 7;
  const vector = command & 0xff;
  if (mode <= lowestPriority) deliver(u, vector, (command & 0x8000) !== 0);
  else if (mode === modeNmi) u.nmi.raise(0);
  // An INIT that is de-asserted only set the arbitration ids of old processors.
  else if (mode === modeInit && (command & 0xc000) !== 0x8000) u.init.raise(0);
  else if (mode === modeStartup) u.startup.raise(vector);
  settle(u);
  return true;
}

/** Sends what ICR says. */
export function send(u: Apic, destination: u32, command: u32): void {
  const mode = (command >>> 8) & 7;
  if (mode <= lowestPriority && (command & 0xff) < firstVector) {
    raiseErrors(u, sendIllegalVector);
    return;
  }
  u.bus.send(destination, u32(command & 0xc_cfff));
}

export function passesExtInt(u: Apic): boolean {
  if ((u.base & baseEnable) === 0n) return true;
  return !u.lvtLint0.masked && u.lvtLint0.deliveryMode === modeExtInt;
}
