import test from "ava";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MachineOptions } from "../../ci/qemu-arguments.ts";
import type { PartitionFile } from "../../compiler/image/disk.ts";
import type { SelfTestOptions } from "./selftest.ts";
import { buildSelfTest, withMachine } from "./selftest-boot.ts";

const built = new Map<string, Uint8Array>();
const payload = { name: "kernel", espPath: "\\linux\\vmlinuz" };

/** Boots a machine that cannot be used, and expects the sentence and the firmware's next word. */
async function refused(
  sentence: string | RegExp,
  machineOptions: MachineOptions & { readonly files?: readonly PartitionFile[] },
  options: SelfTestOptions = {},
): Promise<void> {
  const key = JSON.stringify(options, (_, value: unknown) =>
    typeof value === "bigint" ? String(value) : value,
  );
  const efi = built.get(key) ?? buildSelfTest(options);
  built.set(key, efi);
  await withMachine(efi, machineOptions, async (machine) => {
    await machine.expect("typevisor cannot start: ");
    await machine.expect(sentence);
    await machine.expect(/BdsDxe: failed to start/);
  });
}

test.serial("without SVM the firmware gets the machine back, and the operator a reason", async (t) => {
  await refused("this CPU has no hardware virtualisation of the AMD kind (SVM)", { cpu: "max,-svm" });
  t.pass();
});

test.serial("without nested paging the start is refused", async (t) => {
  await refused("this CPU has no nested paging", { cpu: "max,-npt" });
  t.pass();
});

test.serial("too little memory is refused with what is missing and what is there", async (t) => {
  await refused(
    /the guests' memory does not fit: 3\d\d MiB more are needed, and this machine has 2\d\d MiB to give/,
    { memoryMiB: 256 },
    { neededBytes: 600n << 20n },
  );
  t.pass();
});

test.serial("a payload that is gone from the partition is named, with its path", async (t) => {
  await refused(
    "payload kernel, the file \\linux\\vmlinuz on the EFI system partition, is not there",
    {},
    { payloads: [payload] },
  );
  t.pass();
});

test.serial("an empty payload on the partition is named", async (t) => {
  await refused(
    "payload kernel, the file \\linux\\vmlinuz on the EFI system partition, is empty",
    { files: [{ path: "linux/vmlinuz", source: new Uint8Array(0) }] },
    { payloads: [payload] },
  );
  t.pass();
});

test.serial("a payload on the partition is read whole", async (t) => {
  const bytes = new Uint8Array(300_001).map((_, i) => (i * 7) ^ (i >> 8));
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  await withMachine(
    buildSelfTest({ payloads: [payload] }),
    { files: [{ path: "linux/vmlinuz", source: bytes }] },
    async (machine) => {
      await machine.expect(`payload-bytes=${bytes.length}\npayload-sum=${sum}\n`);
      t.pass();
    },
  );
});

test.serial("a malformed ACPI table is named, with what is wrong", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "typevisor-"));
  try {
    const file = join(folder, "hpet.bin");
    writeFileSync(file, new Uint8Array(4));
    await refused("the firmware's ACPI table HPET is shorter than its fields (at offset 4)", {
      extra: ["-no-hpet", "-acpitable", `sig=HPET,data=${file}`],
    });
    t.pass();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test.serial("without ACPI the start is refused", async (t) => {
  await refused("the firmware has no ACPI tables, and the manifest does not permit to go without", {
    machine: "q35,acpi=off",
  });
  t.pass();
});

test.serial("without ACPI one CPU runs where the manifest permits it", async (t) => {
  await withMachine(
    buildSelfTest({ permitNoAcpi: true }),
    { machine: "q35,acpi=off", cpus: 2 },
    async (machine) => {
      const { before } = await machine.expect("ready\n");
      t.regex(before, /^cpus=1$/m);
      t.regex(before, /^acpi=0$/m);
      t.regex(before, /the timer woke the CPU/);
      machine.send("n");
      await machine.expect("strays=0\n");
    },
  );
});
