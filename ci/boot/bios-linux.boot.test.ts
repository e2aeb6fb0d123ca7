import { join } from "node:path";
import test from "ava";
import { writeGrubDisk } from "../grub-disk.ts";
import { shellPrompt } from "../initramfs.ts";
import { payloadFile, payloadFolder, preparePayloads } from "../payloads.ts";
import { bootAppliance, buildAppliance, shell } from "./appliance.ts";

test.before(async () => {
  await preparePayloads();
  writeGrubDisk(join(payloadFolder, "grub-disk.img"), {
    files: { vmlinuz: payloadFile("vmlinuz-cloud"), "initramfs.gz": payloadFile("initramfs.gz") },
    commands: [
      "echo GRUB starts Linux",
      "linux /vmlinuz console=ttyS0 quiet",
      "initrd /initramfs.gz",
      "boot",
    ],
  });
});

test("Debian's SeaBIOS boots GRUB from a virtio disk, and that a Linux with two processors", async (t) => {
  const appliance = await buildAppliance("ci/boot/images/bios-linux.ts");
  t.teardown(() => appliance.remove());
  const machine = await bootAppliance(appliance);
  t.teardown(() => machine.kill());
  await machine.expect(/SeaBIOS \(version [\w.-]+\)/);
  await machine.expect("Booting from Hard Disk...");
  await machine.expect("GRUB starts Linux");
  await machine.expect(shellPrompt);
  t.is(await shell(machine, "nproc"), "2\n");
  const log = await shell(machine, "dmesg | grep -e e820 -e RSDP -e 'SMP: Total'");
  // What SeaBIOS made of the map and of the tables that it was told of.
  t.regex(log, /BIOS-e820: \[mem 0x0{16}-0x000000000009fbff\] usable/);
  t.regex(log, /BIOS-e820: \[mem 0x00000000b0000000-0x00000000bfffffff\] reserved/);
  t.regex(log, /BIOS-e820: \[mem 0x00000000fffc0000-0x00000000ffffffff\] reserved/);
  t.regex(log, /ACPI: RSDP 0x00000000000F/);
  t.notRegex(await shell(machine, "dmesg"), /ACPI (BIOS )?(Error|Warning)|incorrect checksum|firmware bug/i);
  machine.send("poweroff -f\n");
  await machine.exit();
  t.regex(machine.console, /guest linux ended: it powered itself off/);
});
