/** How the machine is turned off and restarted. */
import { addressOf } from "../../dsl/core/intrinsics.ts";
import { u16, u64, u8 } from "../../dsl/core/int.ts";
import { storage } from "../../dsl/core/storage.ts";
import { needsAcpiEnable } from "./acpi/fadt.ts";
import { hostAcpi } from "./acpi/host-acpi.ts";
import { say } from "./console-text.ts";
import { localCpuIndex } from "./cpu.ts";
import { breakpoint, cli, in16, in8, loadIdt, out16, out8, pause } from "./instructions.ts";
import { TablePointer } from "./segments.ts";
import { serialDrain } from "./serial.ts";
import { stop, stopOthers } from "./stop.ts";

/** PM1 control (ACPI 6.5 §4.8.3.2.1). */
const sleepEnable = 1 << 13;
const sleepTypeMask = 7 << 10;

const resetControl = 0xcf9;
const keyboardController = 0x64;
/** Looks at a machine that takes its time. */
const maxLooks = 1_000_000;

/** An interrupt-descriptor table without entries. */
const nothing = storage("emptyTable", TablePointer);

/** Turns the machine off by ACPI's S5. Where that is not possible, says so and stops. */
export function powerOff(): never {
  cli();
  stopOthers(localCpuIndex());
  serialDrain();
  if (hostAcpi.present && hostAcpi.s5Known && hostAcpi.pm1aControl !== 0) {
    enableAcpi();
    // The type first, then the command, as §16.1.7 wants it.
    sleep(hostAcpi.pm1aControl, hostAcpi.s5a);
    if (hostAcpi.pm1bControl !== 0) sleep(hostAcpi.pm1bControl, hostAcpi.s5b);
    for (let i = 0; i < maxLooks; i++) pause();
  }
  say("typevisor: this machine cannot be turned off by software; it is safe to do so by hand\n");
  stop();
}

/** Takes fixed hardware over from the firmware (§4.8.2.3, §16.3.1). */
function enableAcpi(): void {
  if (!needsAcpiEnable(hostAcpi, in16(hostAcpi.pm1aControl))) return;
  out8(hostAcpi.smiCommand, hostAcpi.acpiEnable);
  for (let i = 0; i < maxLooks; i++) {
    if ((in16(hostAcpi.pm1aControl) & 1) !== 0) break;
  }
}

function sleep(port: u16, type: u8): void {
  const typed = u16((in16(port) & ~(sleepTypeMask | sleepEnable)) | ((type & 7) << 10));
  out16(port, typed);
  out16(port, u16(typed | sleepEnable));
}

/** Restarts the machine: the FADT's register, then the chipset's, then the keyboard controller's, then a triple fault. */
export function reset(): never {
  cli();
  stopOthers(localCpuIndex());
  serialDrain();
  if (hostAcpi.present && hostAcpi.resetAddress !== 0n) out8(u16(hostAcpi.resetAddress), hostAcpi.resetValue);
  out8(resetControl, 0x02);
  out8(resetControl, 0x06);
  for (let i = 0; i < maxLooks; i++) {
    if ((in8(keyboardController) & 2) === 0) break;
  }
  out8(keyboardController, 0xfe);
  loadIdt(u64(addressOf(nothing)));
  breakpoint();
  stop();
}
