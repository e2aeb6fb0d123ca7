/** Machine-check banks: switched on at start, and written out when the CPU reports an error (APM vol. 2 §9.3). */
import { u32, u64 } from "../../dsl/core/int.ts";
import { say, sayDecimal, sayHex } from "./console-text.ts";
import { cpuidEdx, readMsr, writeMsr } from "./instructions.ts";

const globalCapability = 0x179;
const globalStatus = 0x17a;
const globalControl = 0x17b;
const firstBank = 0x400;
const registersPerBank = 4;
const mostBanks = 64;

const hasGlobalControl = 1n << 8n;
const allOn = 0xffff_ffff_ffff_ffffn;
const isValid = 1n << 63n;
const hasAddress = 1n << 58n;
/** CPUID 1 EDX: machine-check exception and architecture. */
const machineCheckFeatures = (1 << 7) | (1 << 14);

function bankCount(): u32 {
  return Math.min(u32(readMsr(globalCapability) & 0xffn), mostBanks);
}

function bankRegister(bank: u32, register: u32): u32 {
  return u32(firstBank + registersPerBank * Math.min(bank, mostBanks) + Math.min(register, 3));
}

function hasMachineCheck(): boolean {
  return (cpuidEdx(1, 0) & machineCheckFeatures) === machineCheckFeatures;
}

/** Lets every bank of this CPU report its errors, and forgets what was left from before. */
export function startMachineChecks(): void {
  if (!hasMachineCheck()) return;
  if ((readMsr(globalCapability) & hasGlobalControl) !== 0n) writeMsr(globalControl, allOn);
  const count = bankCount();
  for (let bank: u32 = 0; bank < mostBanks; bank++) {
    if (bank >= count) break;
    writeMsr(bankRegister(bank, 0), allOn);
    writeMsr(bankRegister(bank, 1), 0n);
  }
}

/** Says what the banks of this CPU hold. */
export function sayMachineChecks(): void {
  say("mcg status ");
  sayHex(readMsr(globalStatus), 4);
  say("\n");
  const count = bankCount();
  for (let bank: u32 = 0; bank < mostBanks; bank++) {
    if (bank >= count) break;
    const status: u64 = readMsr(bankRegister(bank, 1));
    if ((status & isValid) === 0n) continue;
    say("bank ");
    sayDecimal(BigInt(bank));
    say(" status ");
    sayHex(status, 16);
    if ((status & hasAddress) !== 0n) {
      say(" address ");
      sayHex(readMsr(bankRegister(bank, 2)), 16);
    }
    say("\n");
  }
}
