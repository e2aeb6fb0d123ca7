import { join } from "node:path";
import test from "ava";
import { shellPrompt } from "../initramfs.ts";
import { payloadFile, payloadFolder, preparePayloads, unpackModules, writeInitramfs } from "../payloads.ts";
import { writeUefiDisk } from "../uefi-disk.ts";
import { bootAppliance, buildAppliance, shell } from "./appliance.ts";

const variables = "/sys/firmware/efi/efivars";
const variable = `${variables}/Kept-5fd8b2e2-3c67-4a53-9b6e-4b1f0f8a7c11`;

test.before(async () => {
  await preparePayloads();
  const initramfs = join(payloadFolder, "uefi-initramfs.gz");
  const modules = await unpackModules("linux-image-cloud-amd64", ["efivarfs"]);
  writeInitramfs(initramfs, {
    entries: [{ kind: "file", path: "modules/efivarfs.ko", data: modules.get("efivarfs")! }],
    startCommands: ["insmod /modules/efivarfs.ko", `mount -t efivarfs efivarfs ${variables}`],
  });
  await writeUefiDisk(join(payloadFolder, "uefi-disk.img"), {
    files: { vmlinuz: payloadFile("vmlinuz-cloud"), "initramfs.gz": initramfs },
    commands: [
      "set timeout=0",
      "echo GRUB starts Linux",
      "linux /vmlinuz console=ttyS0 quiet",
      "initrd /initramfs.gz",
      "boot",
    ],
  });
});

test("Debian's OVMF boots signed shim and GRUB from a virtio disk, and those a Linux, which keeps variables over a restart", async (t) => {
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
  // Non-volatile, at boot time and at run time; then four bytes.
  await shell(machine, `printf '\\007\\000\\000\\000kept' >${variable}`);
  machine.send("reboot -f\n");
  await machine.expect("guest linux restarts");
  await machine.expect(shellPrompt);
  t.is(await shell(machine, `tail -c 4 ${variable}; echo`), "kept\n");
  machine.send("poweroff -f\n");
  await machine.exit();
  t.regex(machine.console, /guest linux ended: it powered itself off/);
});
