import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import test from "ava";
import { payloadFolder, preparePayloads, unpackedPackage } from "../payloads.ts";
import { bootAppliance, buildAppliance } from "./appliance.ts";

/** Gets Debian's Xen as the multiboot kernel that it is. */
async function prepareXen(): Promise<void> {
  await preparePayloads();
  const folder = join(await unpackedPackage("xen-hypervisor-4.17-amd64"), "boot");
  const file = readdirSync(folder).find((name) => name.endsWith(".gz"));
  if (file === undefined) throw new Error(`no Xen in ${folder}`);
  writeFileSync(join(payloadFolder, "xen-multiboot"), gunzipSync(readFileSync(join(folder, file))));
}

for (const protocol of ["multiboot", "multiboot2"])
  test.serial(
    `Debian's Xen, started by ${protocol}, finds what it is told and the tables in its memory`,
    async (t) => {
      await prepareXen();
      const appliance = await buildAppliance(`ci/boot/images/${protocol}-xen.ts`);
      t.teardown(() => appliance.remove());
      const machine = await bootAppliance(appliance, { memoryMiB: 1536 });
      t.teardown(() => machine.kill());
      // Without a module it would say that there is no kernel, and stop.
      await machine.expect("(XEN) Xen version 4.17");
      await machine.expect("(XEN) Bootloader: Typevisor");
      await machine.expect("(XEN) Command line: no-real-mode console=com1 com1=115200,8n1 loglvl=all");
      await machine.expect("(XEN) Multiboot-e820 RAM map:");
      await machine.expect("(XEN)  [0000000000000000, 000000000009fbff] (usable)");
      await machine.expect("(XEN)  [00000000000e0000, 00000000000eefff] (ACPI data)");
      await machine.expect("(XEN)  [0000000000100000, 000000002fffffff] (usable)");
      await machine.expect("(XEN) ACPI: RSDP 000F0000");
      await machine.expect("(XEN) IOAPIC[0]: apic_id 0, version 32, address 0xfec00000, GSI 0-23");
      t.pass();
    },
  );
