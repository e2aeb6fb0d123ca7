import test from "ava";
import { buildSelfTest, withMachine } from "./selftest-boot.ts";

let built: Uint8Array | undefined;
const plain = (): Uint8Array => (built ??= buildSelfTest());

test.serial(
  "the host side takes the machine over, and finds memory, ACPI, clocks and interrupts",
  async (t) => {
    await withMachine(plain(), { cpus: 2, memoryMiB: 512 }, async (machine) => {
      const { before } = await machine.expect("ready\n");
      const fact = (name: string): number => Number(new RegExp(`^${name}=(\\d+)$`, "m").exec(before)?.[1]);
      t.is(fact("cpus"), 2);
      t.true(fact("usable-MiB") > 400 && fact("usable-MiB") <= 512, before);
      t.true(fact("hypervisor-KiB") < 1024, before);
      t.is(fact("acpi"), 1);
      t.is(fact("io-apics"), 1);
      t.is(fact("pm-timer"), 0x608);
      t.true(fact("tsc-MHz") >= 100, before);
      t.regex(before, /the timer woke the CPU/);
      t.true(fact("leaves") > 10, before);
      t.is(fact("writable-and-executable"), 0);
      machine.send("n");
      await machine.expect("strays=0\n");
      machine.send("p");
      t.deepEqual(await machine.exit(), { status: 0, signal: undefined });
    });
  },
);

test.serial("memory above 4 GiB is found and mapped with large pages", async (t) => {
  await withMachine(plain(), { memoryMiB: 6144 }, async (machine) => {
    const { before } = await machine.expect("ready\n");
    t.true(Number(/usable-MiB=(\d+)/.exec(before)?.[1]) > 6000, before);
    t.true(Number(/table-pages=(\d+)/.exec(before)?.[1]) < 32, before);
    t.regex(before, /writable-and-executable=0/);
  });
});

test.serial("a text of 4 KB that arrives at once arrives whole", async (t) => {
  await withMachine(plain(), {}, async (machine) => {
    await machine.expect("ready\n");
    const pasted = "typevisor ".repeat(410);
    machine.send(`c${pasted}.`);
    const sum = [...pasted].reduce((total, c) => total + c.charCodeAt(0), 0);
    await machine.expect(`input-bytes=${pasted.length}\ninput-sum=${sum}\n`);
    t.pass();
  });
});

test.serial("the time of day is the clock's, to the second", async (t) => {
  await withMachine(plain(), { extra: ["-rtc", "base=2031-05-17T11:59:50,clock=vm"] }, async (machine) => {
    await machine.expect("ready\n");
    machine.send("s");
    const { groups } = await machine.expect(/seconds=(\d+)\n/);
    const since = Number(groups[0]) - Date.UTC(2031, 4, 17, 11, 59, 50) / 1000;
    t.true(since >= 1 && since < 600, `${since} s after power-on`);
  });
});

test.serial("a non-maskable interrupt is counted and changes nothing else", async (t) => {
  await withMachine(plain(), {}, async (machine) => {
    await machine.expect("ready\n");
    await machine.monitor("nmi");
    machine.send("n");
    await machine.expect("nmis=1\n");
    machine.send("p");
    t.is((await machine.exit()).status, 0);
  });
});

test.serial("a fatal machine check stops with the bank that reported it", async (t) => {
  await withMachine(plain(), {}, async (machine) => {
    await machine.expect("ready\n");
    await machine.monitor("mce 0 1 0xbd80000000000134 0x5 0x2345000 0x8c");
    await machine.expect("typevisor stopped: #MC machine check");
    await machine.expect("bank 1 status bd80000000000134 address 0000000002345000\n");
    t.pass();
  });
});

test.serial("a reset restarts the machine", async (t) => {
  await withMachine(plain(), { restartOnReset: true }, async (machine) => {
    await machine.expect("ready\n");
    machine.send("r");
    await machine.expect("ready\n");
    t.true(machine.events.some(({ event }) => event === "RESET"));
  });
});

const faults = [
  ["u", "an invalid instruction", /#UD invalid opcode/],
  ["a", "a null reference", /#PF page fault at address 0000000000000008, error code 0000/],
  ["w", "a write to code", /#PF page fault at address [0-9a-f]+, error code 0003/],
  ["d", "a jump into data", /#PF page fault at address [0-9a-f]+, error code 0011/],
  ["o", "a stack that is full", /#PF page fault, the stack is full at address [0-9a-f]+, error code 0002/],
  ["t", "a trap of the program", /selftest\.ts:\d+: the self test was asked to be wrong/],
] as const;

for (const [letter, what, pattern] of faults) {
  test.serial(`${what} stops with the functions that led there`, async (t) => {
    await withMachine(plain(), {}, async (machine) => {
      await machine.expect("ready\n");
      machine.send(letter);
      await machine.expect("typevisor stopped: ");
      await machine.expect(pattern);
      await machine.expect(/ at \S*kernel\.start \+/);
      await machine.expect(/ at \S*hostMain \+/);
      t.pass();
    });
  });
}
