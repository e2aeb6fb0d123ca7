/** Every port, and what its purpose is to end the guest; string operations that do not end. */
import { u16, u32, u64, u8 } from "../../../../dsl/core/int.ts";
import { StopReason } from "../../../../kernel/domain.ts";
import { in16, in32, in8, out16, out32, out8 } from "../../instructions.ts";
import { trying } from "../attempts.ts";
import { stormVector } from "../faults.ts";
import { endsGuest } from "../hostile.ts";
import { freshGpa } from "../place.ts";
import { random } from "../random.ts";
import { attack, counted, ends, goesOn, type Attack } from "./attack.ts";
import { startStorm, stopStorm } from "./timer.ts";

const lastPort = 0xffff;
/** The ports below this are those of the chipset. */
const crowded = 0x1000;

/** Every port is reached as a byte; where the others are free, every one of these is as the wider ones. */
const step = 7;

function readEvery(): u64 {
  for (let port: u32 = 0; port <= lastPort; port = u32(port + 1)) {
    in8(u16(port));
    if (port < crowded || port % step === 0) {
      in16(u16(port));
      in32(u16(port));
    }
  }
  return 0n;
}

function writeEvery(): u64 {
  for (let port: u32 = 0; port <= lastPort; port = u32(port + 1)) {
    if (!endsGuest(port)) {
      const value = random();
      out8(u16(port), u8(value));
      if (port < crowded || port % step === 0) {
        out16(u16(port), u16(value));
        out32(u16(port), value);
      }
    }
  }
  return 0n;
}

/** Writes to a port and waits for what that does. */
const end = (port: number, value: number, width: 1 | 2) => (): u64 => {
  for (;;) {
    if (width === 1) out8(port, value);
    else out16(port, value);
  }
};

const outsSite = trying("movl $$0x80, %edx; movl $$0xffffffff, %ecx; sti; rep outsb; cli");
/** Four gibibytes to a port, from where its memory begins, until its own timer ends that. */
function endlessOut(): u64 {
  startStorm(10_000_000, false, 1n);
  const got = outsSite(BigInt(freshGpa), 0n);
  stopStorm();
  return got;
}

const restarts = (what: string): ReturnType<typeof ends> =>
  ends(StopReason.reboot, `${what}; the machine does not`);

export const portAttacks: readonly Attack[] = [
  attack(
    "port-read-every",
    "reads all 65,536 ports as bytes, and the chipset's and a sample of the others as words and double words",
    goesOn("ones where nothing is"),
    readEvery,
  ),
  attack(
    "port-write-every",
    "writes random values to the same in the same widths, but not to those whose purpose is to end it",
    goesOn(),
    writeEvery,
  ),
  attack(
    "reset-register",
    "asks for a hard reset at port 0xcf9",
    restarts("the guest restarts"),
    end(0xcf9, 6, 1),
  ),
  attack(
    "reset-processor",
    "asks for a reset of the processor at port 0xcf9",
    restarts("the guest restarts"),
    end(0xcf9, 4, 1),
  ),
  attack(
    "reset-keyboard",
    "pulses the keyboard controller's reset line",
    restarts("the guest restarts"),
    end(0x64, 0xfe, 1),
  ),
  attack(
    "reset-port92",
    "asks for a fast reset at port 0x92",
    restarts("the guest restarts"),
    end(0x92, 1, 1),
  ),
  attack(
    "outs-4gib",
    "writes 4 GiB to a port with one instruction",
    counted(stormVector + 1, "is what its own timer's interrupt gives, which comes in time"),
    endlessOut,
  ),
];

/** The end of all. */
export const powerOffAttack: Attack = attack(
  "power-off",
  "turns its power off through ACPI",
  ends(StopReason.powerOff, "the guest ends; the machine does not"),
  // SLP_TYP 7 and SLP_EN in PM1_CNT.
  end(0x604, 0x3c00, 2),
);
