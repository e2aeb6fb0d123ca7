import { join } from "node:path";
import test from "ava";
import { shellPrompt } from "../initramfs.ts";
import { payloadFile, payloadFolder, preparePayloads } from "../payloads.ts";
import { writeUefiDisk } from "../uefi-disk.ts";
import { bootAppliance, buildAppliance, shell } from "./appliance.ts";

test.before(async () => {
  await preparePayloads();
  await writeUefiDisk(join(payloadFolder, "uefi-disk.img"), {
    files: { vmlinuz: payloadFile("vmlinuz-cloud"), "initramfs.gz": payloadFile("initramfs.gz") },
    commands: [
      "set timeout=0",
      "echo GRUB starts Linux",
      "linux /vmlinuz console=ttyS0 quiet",
      "initrd /initramfs.gz",
      "boot",
    ],
  });
});

test("Debian's OVMF boots signed shim and GRUB from a virtio disk, and those a Linux that powers off", async (t) => {
  const appliance = await buildAppliance("ci/boot/images/uefi-linux.ts");
  t.teardown(() => appliance.remove());
  const machine = await bootAppliance(appliance);
  t.teardown(() => machine.kill());
  // Before it, the machine's own firmware speaks.
  await machine.expect("guest linux started");
  await machine.expect(/BdsDxe: starting Boot0001 "UEFI Misc Device" from PciRoot\(0x0\)\/Pci\(0x1,0x0\)/);
  await machine.expect("Welcome to GRUB!");
  await machine.expect("GRUB starts Linux");
  await machine.expect(shellPrompt);
  t.is(await shell(machine, "cat /sys/firmware/efi/fw_platform_size"), "64\n");
  const log = await shell(machine, "dmesg | grep -e efi: -e 'ACPI: [A-Z]* 0x' -e 'DMAR\\|BERT'");
  t.regex(log, /efi: EFI v2\.70 by .*EDK II/);
  // The tables that the firmware was told of, linked at addresses that it chose.
  for (const name of ["RSDP", "XSDT", "FACP", "DSDT", "FACS", "APIC", "HPET", "MCFG"])
    t.regex(log, new RegExp(`ACPI: ${name} 0x`));
  t.notRegex(await shell(machine, "dmesg"), /ACPI (BIOS )?(Error|Warning)|firmware bug/i);
  machine.send("poweroff -f\n");
  await machine.exit();
  t.regex(machine.console, /guest linux ended: it powered itself off/);
});
