import test from "ava";
import type { Machine } from "../../ci/qemu.ts";
import { CpuAbsence } from "../../kernel/boot.ts";
import { buildSelfTest, withMachine } from "./selftest-boot.ts";

let built: Uint8Array | undefined;
const plain = (): Uint8Array => (built ??= buildSelfTest());

/** What the self test says of itself before it is ready. */
async function factsOf(machine: Machine): Promise<(name: string) => number> {
  const { before } = await machine.expect("ready\n");
  return (name) => Number(new RegExp(`^${name}=(\\d+)$`, "m").exec(before)?.[1]);
}

test.serial(
  "eight CPUs start, signal each other while they are halted, and have timers and NMIs",
  async (t) => {
    await withMachine(plain(), { cpus: 8 }, async (machine) => {
      const fact = await factsOf(machine);
      t.is(fact("cpus"), 8);
      t.is(fact("absent"), 0);
      // A round trip between two CPUs, however busy the machine is that emulates them: far below a second.
      t.true(fact("clock-difference") < fact("tsc-MHz") * 1_000_000);
      t.is(fact("writable-and-executable"), 0);
      machine.send("e");
      await machine.expect("signals=42\n");
      for (const cpu of [1, 7]) {
        machine.send(`${cpu}i`);
        await machine.expect(`index=${cpu}\n`);
        machine.send(`${cpu}m`);
        await machine.expect("the timer woke the CPU\n");
      }
      await machine.monitor("nmi");
      machine.send("7nn");
      await machine.expect("nmis=1\nstrays=0\nnmis=1\nstrays=0\n");
      await machine.monitor("mce 5 1 0xbd80000000000134 0x5 0x2345000 0x8c");
      await machine.expect(/typevisor stopped: #MC machine check, error code 0000, CPU 5\n/);
      await machine.expect("bank 1 status bd80000000000134 address 0000000002345000\n");
    });
  },
);

test.serial(
  "a stack that is full on another CPU is told with that CPU, after a reset by a third",
  async (t) => {
    await withMachine(plain(), { cpus: 4, restartOnReset: true }, async (machine) => {
      t.is((await factsOf(machine))("cpus"), 4);
      machine.send("3r");
      t.is((await factsOf(machine))("cpus"), 4);
      t.true(machine.events.some(({ event }) => event === "RESET"));
      machine.send("2o");
      await machine.expect(
        /#PF page fault, the stack is full at address [0-9a-f]+, error code 0002, CPU 2\n/,
      );
      await machine.expect(/ at \S*serve \+/);
      await machine.expect(/ at \S*begin \+/);
    });
  },
);

test.serial(
  "CPUs that do not answer or cannot be reached are left out, and any CPU turns the machine off",
  async (t) => {
    await withMachine(buildSelfTest({ ghosts: true }), { cpus: 2 }, async (machine) => {
      const { before } = await machine.expect("ready\n");
      t.regex(before, /^cpus=2$/m);
      const absences = [...before.matchAll(/^absent-id=(\d+)\nabsent-reason=(\d+)$/gm)];
      t.deepEqual(
        absences.map(([, id, reason]) => [Number(id), Number(reason)]),
        [
          [77, CpuAbsence.silent],
          [300, CpuAbsence.unreachable],
        ],
      );
    });
  },
);
