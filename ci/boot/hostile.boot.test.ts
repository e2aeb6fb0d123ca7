import test from "ava";
import { prepareBareGuest } from "../bare-guest/build.ts";
import type { Machine } from "../qemu.ts";
import { bootAppliance, buildAppliance, type BuiltAppliance } from "./appliance.ts";

let appliance: BuiltAppliance;
let machine: Machine;

test.before(async () => {
  prepareBareGuest();
  appliance = await buildAppliance("ci/boot/images/bare-guest.ts");
  machine = await bootAppliance(appliance, { memoryMiB: 512 });
  await machine.expect("ready\n");
});
test.after.always(async () => {
  await machine.kill();
  appliance.remove();
});

const stopped = (why: string): RegExp =>
  new RegExp(`^typevisor: guest hostile restarts: ${why}[^\\n]* at rip 0x`, "m");
const registersInUse = /^registers in use at the start: (\d+)\n/m;

/** What the guest is asked for, by a letter; it goes on after `said`. */
const harmless: readonly (readonly [name: string, letter: string, said: RegExp])[] = [
  [
    "no exit changes a register that it should not, vector and debug registers among them",
    "a",
    /^registers changed across exits: 0\n/m,
  ],
  [
    "nonsense in CR0, CR4, EFER and XCR0 is refused with exceptions",
    "c",
    /^control registers: [1-9]\d* writes refused\n/m,
  ],
  ["a reserved bit of CR0 cannot be set", "i", /^the bit stays clear\n/m],
  ["64-bit code cannot turn paging off", "l", /^paging stays on\n/m],
  [
    "random values in MSRs are refused or kept from the hypervisor",
    "s",
    /^MSRs: [1-9]\d* of \d+ accesses refused\n/m,
  ],
  [
    "the hypervisor's own instructions are undefined in the guest",
    "v",
    /^privileged instructions: (\d+) of \1 refused\n/m,
  ],
  ["a flood on the UART arrives, and the guest goes on", "f", /^flooded\n/m],
  [
    "random values to every port and every window for a minute leave the guest running",
    "r",
    /^random writes: every port [1-9]\d* times in a minute\n/m,
  ],
];

for (const [name, letter, said] of harmless) {
  test.serial(name, async (t) => {
    machine.send(letter);
    await machine.expect(said);
    await machine.expect("ready\n");
    t.false(machine.events.some(({ event }) => event === "RESET" || event === "SHUTDOWN"));
  });
}

/** What ends the guest: the notice says why, it starts again with clean registers, and the console answers. */
const deadly: readonly (readonly [name: string, letter: string, why: string])[] = [
  ["a triple fault", "t", "triple fault"],
  ["executing garbage", "g", "triple fault"],
  [
    "a jump to where there is no memory",
    "n",
    "an access to physical memory that cannot be performed \\(0xc0000000\\)",
  ],
  [
    "a jump into a device's registers",
    "d",
    "an access to physical memory that cannot be performed \\(0xfec00000\\)",
  ],
  [
    "a floating-point load from a device's registers",
    "x",
    "an instruction that is not performed on device memory",
  ],
  ["a reserved bit in CR3", "p", "the processor refused its state"],
  ["a halt with interrupts off", "h", "halted with interrupts off"],
  ["a triple fault with marks in every register", "w", "triple fault"],
];

for (const [name, letter, why] of deadly) {
  test.serial(
    `${name} stops the guest with a notice that says so, and it starts again with clean registers`,
    async (t) => {
      machine.send(letter);
      await machine.expect(stopped(why));
      await machine.expect("bare guest\n");
      t.deepEqual((await machine.expect(registersInUse)).groups, ["0"]);
      await machine.expect("ready\n");
      t.false(machine.events.some(({ event }) => event === "RESET" || event === "SHUTDOWN"));
    },
  );
}
