import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { cpioArchive } from "../../ci/cpio.ts";
import { shellPrompt } from "../../ci/initramfs.ts";
import { payloadFile } from "../../ci/payloads.ts";
import { boot } from "../../ci/qemu.ts";
import { guest, image, linux, mib, payload } from "../image.ts";
import { samplePc } from "../manifest/testing/sample.ts";
import { checksum } from "./table.ts";

/** Those of our tables that can take the place of QEMU's: the others hold addresses in memory. */
const replaceable = ["DSDT", "APIC", "MCFG", "HPET"];

/**
 * An initramfs with our tables before it. Linux takes them in the place of the machine's own where signature and
 * maker agree and the revision is higher (Linux Documentation/admin-guide/acpi/initrd_table_override.rst).
 */
function initramfsWithTables(): Buffer {
  const kernel = linux({ kernel: payload("vmlinuz") });
  const two = guest({ name: "two", memory: mib(512), vcpus: 2, kernel, devices: samplePc() });
  const { acpi } = image({ name: "sample", guests: [two] }).model.guests[0]!;
  const files = acpi.tables
    .filter((table) => replaceable.includes(table.signature))
    .map(({ signature, bytes }) => {
      const data = Buffer.from(bytes);
      data.write("BOCHS BXPC    ", 10, "latin1");
      data.writeUInt32LE(2, 24);
      data[9] = 0;
      data[9] = checksum([...data]);
      return { kind: "file" as const, path: `kernel/firmware/acpi/${signature}.aml`, data };
    });
  return Buffer.concat([cpioArchive(files), readFileSync(payloadFile("initramfs.gz"))]);
}

test("a Linux on QEMU's q35 uses our tables in place of QEMU's, and complains of nothing", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "typevisor-acpi-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const initrd = join(folder, "initrd");
  writeFileSync(initrd, initramfsWithTables());
  let log = "";
  const machine = await boot({
    kernel: payloadFile("vmlinuz-cloud"),
    initrd,
    append: "console=ttyS0",
    memoryMiB: 512,
    cpus: 2,
    onConsole: (chunk) => (log += chunk.toString("latin1")),
  });
  t.teardown(() => machine.kill());
  await machine.expect(shellPrompt);
  for (const signature of replaceable) {
    t.true(
      log.includes(`Table Upgrade: override [${signature}-BOCHS -BXPC    ]`),
      `${signature} was not used`,
    );
  }
  for (const wrong of [
    /firmware (bug|warn)/i,
    /ACPI (BIOS )?(Error|Warning|Exception)/i,
    /\bBUG\b|WARNING/,
    /could not be reserved/,
  ]) {
    t.notRegex(log, wrong);
  }
  t.regex(log, /MMCONFIG at \[mem 0xb0000000-0xbfffffff\] reserved/);
  t.regex(log, /hpet0: at MMIO 0xfed00000, IRQs 2, 8, 0/);
  t.regex(log, /INT_SRC_OVR \(bus 0 bus_irq 0 global_irq 2 dfl dfl\)/);
  t.regex(log, /supports S0 S5/);
  machine.send("dmesg -n 1; nproc; cat /sys/bus/pnp/devices/*/id\n");
  await machine.expect(/^2\n/m);
  await machine.expect("PNP0501");
  await machine.expect(shellPrompt);
  machine.send("poweroff\n");
  await machine.expect("Power down");
});
