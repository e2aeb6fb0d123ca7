import { join } from "node:path";
import test from "ava";
import { shellPrompt } from "../initramfs.ts";
import { payloadFolder, preparePayloads, unpackModules, writeInitramfs } from "../payloads.ts";
import type { Machine } from "../qemu.ts";
import { bootAppliance, buildAppliance, shell } from "./appliance.ts";

/** Behind base addresses 0, 1 and 2 of both functions. */
const large = { registers: 0xc000_0000, messages: 0xc000_1000, memory: 0xc040_0000, bytes: 0x40_0000 };
const small = { registers: 0xc080_0000, memory: 0xc081_0000 };
const folder = "/sys/bus/pci/devices/0000:00";

const put = (gpa: number, value: number): string => `devmem ${gpa} 32 ${value}`;
const get = (gpa: number): string => `devmem ${gpa}`;
const enable = `echo 1 >${folder}:01.0/enable; echo 1 >${folder}:02.0/enable`;
/** Looks again until a word has changed from `from`. */
const waitFor = (gpa: number, from: string): string =>
  `while [ "$(${get(gpa)})" = ${from} ]; do usleep 20000; done`;

/** Words of the large memory. */
const word = {
  who: large.memory,
  last: large.memory + large.bytes - 4,
  asked: large.memory + 16,
  done: large.memory + 32,
};
const doorbell = large.registers + 12;

/** Debian's modules, each behind those that it needs. */
const modules = ["uio", "uio_pci_generic"];

/** What the second guest does: it says who it is, rings the first one each time that it is asked to, and says so. */
const peerCommands = [
  enable,
  put(small.memory + 0xfffc, 0x0bad_cafe),
  put(word.last, 0x0fed_cba9),
  `devmem ${word.who} 32 $((0x5eed0000 + $(${get(large.registers + 8)})))`,
  waitFor(word.asked, "0x00000000"),
  put(doorbell, 0x0000_0000),
  waitFor(word.asked, "0x00000001"),
  put(doorbell, 0x0000_0001),
  waitFor(word.asked, "0x00000002"),
  put(doorbell, 0x0000_0001),
  put(doorbell, 0x0000_0001),
  put(word.done, 1),
];

let machine: Machine;
test.before(async () => {
  await preparePayloads();
  const unpacked = await unpackModules("linux-image-cloud-amd64", modules);
  writeInitramfs(join(payloadFolder, "shared-initramfs.gz"), {
    entries: modules.map((name) => ({ kind: "file", path: `modules/${name}.ko`, data: unpacked.get(name)! })),
    startCommands: modules.map((name) => `insmod /modules/${name}.ko`),
  });
  writeInitramfs(join(payloadFolder, "peer-initramfs.gz"), { startCommands: peerCommands });
  const appliance = await buildAppliance("ci/boot/images/shared-linux.ts");
  try {
    machine = await bootAppliance(appliance);
    await machine.expect(shellPrompt);
  } finally {
    appliance.remove();
  }
});
test.after.always(() => machine.kill());

const look = async (gpa: number): Promise<string> => (await shell(machine, get(gpa))).trim();

test.serial(
  "Linux finds the functions with their base addresses, and the guests are told who they are",
  async (t) => {
    t.regex(
      await shell(machine, `cat ${folder}:01.0/class ${folder}:01.0/device; head -3 ${folder}:01.0/resource`),
      /^0x050000\n0x1110\n0x0+c0000000 0x0+c00000ff 0x0+40200\n0x0+c0001000 0x0+c0001fff 0x0+40200\n0x0+c0400000 0x0+c07fffff 0x0+14220c\n$/,
    );
    await shell(machine, enable);
    t.is(await look(large.registers + 8), "0x00000000");
    await shell(machine, waitFor(word.who, "0x00000000"));
    t.is(await look(word.who), "0x5EED0001");
  },
);

test.serial("what one guest writes the other reads, in the whole of both memories", async (t) => {
  t.is(await look(word.last), "0x0FEDCBA9");
  t.is(await look(small.memory + 0xfffc), "0x0BADCAFE");
  t.is(await look(small.memory), "0x00000000");
});

test.serial(
  "Debian's uio_pci_generic drives both functions, and hears a peer's rings at the pin",
  async (t) => {
    t.is(
      await shell(
        machine,
        [
          "cd /sys/bus/pci/drivers/uio_pci_generic",
          "echo 1af4 1110 >new_id; ls -1d 0*; cd /",
          "grep uio_pci_generic /proc/interrupts | tr -s ' ' | cut -d' ' -f3-",
        ].join("; "),
      ),
      "0000:00:01.0\n0000:00:02.0\n0 IO-APIC 17-fasteoi uio_pci_generic\n0 IO-APIC 18-fasteoi uio_pci_generic\n",
    );
    const show = (format: string, from: string): string => `${from} | hexdump -e '1/4 "${format}\\n"'`;
    // A read waits for an interrupt that the file has not told of, and tells how many there were.
    const wait = show("%d", "dd bs=4 count=1 <&3 2>/dev/null");
    const command = show("%08x", `dd if=${folder}:01.0/config bs=4 skip=1 count=1 2>/dev/null`);
    const status = get(large.registers + 4);
    const mask = put(large.registers, 1);
    t.is(
      await shell(
        machine,
        ["exec 3</dev/uio0", mask, put(word.asked, 1), wait, command, status, command].join("; "),
      ),
      // The module has switched the pin off (bit 10); the function tells (bit 19) until its status is read.
      "1\n00180402\n0x00000001\n00100402\n",
    );
    const again = `printf '\\000' | dd of=${folder}:01.0/config bs=1 seek=5 conv=notrunc 2>/dev/null`;
    t.is(
      await shell(machine, [again, put(word.asked, 2), wait, "exec 3<&-", status].join("; ")),
      "2\n0x00000001\n",
    );
    t.is(await shell(machine, "cat /sys/class/uio/uio0/event /sys/class/uio/uio1/event"), "2\n0\n");
  },
);

test.serial("a peer's doorbell is an MSI-X message of the vector that it names", async (t) => {
  // No driver: a vector that Linux has nothing at, which it says.
  const entry = large.messages + 16;
  await shell(
    machine,
    [
      put(entry, 0xfee0_0000),
      put(entry + 8, 209),
      put(entry + 12, 0),
      `printf '\\006' | dd of=${folder}:01.0/config bs=1 seek=4 conv=notrunc 2>/dev/null`,
      `printf '\\200' | dd of=${folder}:01.0/config bs=1 seek=67 conv=notrunc 2>/dev/null`,
      put(word.asked, 3),
      waitFor(word.done, "0x00000000"),
    ].join("; "),
  );
  t.regex(await shell(machine, "dmesg | grep 'handler for vector'"), /0\.209 No irq handler for vector/);
});

test.serial("a doorbell of nobody is told once, and a guest's own rings too", async (t) => {
  machine.send(`${put(doorbell, 0x0005_0000)}\n`);
  // It is told when the hypervisor's loop runs, which may be behind the guest's prompt: another one is asked for.
  await machine.expect("a guest uses what is not there: knownPeer of first (linux)");
  machine.send("\n");
  await machine.expect(shellPrompt);
  t.is(await look(large.messages + 0x800), "0x00000000");
  // Its own first vector, which is masked: it is asked for and waits.
  await shell(machine, put(doorbell, 0));
  t.is(await look(large.messages + 0x800), "0x00000001");
});

test.serial("the memory follows its base address, and is away without memory decoding", async (t) => {
  const moved = 0xd000_0000;
  const config = (offset: number, bytes: string): string =>
    `printf '${bytes}' | dd of=${folder}:01.0/config bs=1 seek=${offset} conv=notrunc 2>/dev/null`;
  await shell(machine, config(4, "\\000"));
  t.is(await look(word.last), "0xFFFFFFFF");
  await shell(machine, `${config(0x18, "\\000\\000\\000\\320")}; ${config(4, "\\006")}`);
  t.is(await look(moved + large.bytes - 4), "0x0FEDCBA9");
  t.is(await look(word.last), "0xFFFFFFFF");
  // Where the bridge passes nothing on there is none; and back.
  await shell(machine, config(0x18, "\\000\\000\\100\\000"));
  t.is(await look(moved), "0xFFFFFFFF");
  await shell(machine, config(0x18, "\\000\\000\\100\\300"));
  t.is(await look(word.last), "0x0FEDCBA9");
});

test.serial("a guest that starts again finds the memory as it was", async (t) => {
  await shell(machine, put(word.asked, 0x1234_5678));
  machine.send("reboot\n");
  await machine.expect("typevisor: guest linux restarts");
  await machine.expect(shellPrompt);
  t.is(await look(word.asked), "0xFFFFFFFF", "until memory is decoded");
  await shell(machine, enable);
  t.is(await look(word.asked), "0x12345678");
});
