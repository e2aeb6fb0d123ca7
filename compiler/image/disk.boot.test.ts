import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { payloadFile } from "../../ci/payloads.ts";
import { boot } from "../../ci/qemu.ts";
import { writeDiskImage } from "./disk.ts";

async function imageOf(t: { teardown(action: () => void): void }, efi: string | Uint8Array): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "typevisor-disk-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const out = join(folder, "disk.img");
  await writeDiskImage({ efi, out });
  return out;
}

test("firmware finds the partition and starts the application from it", async (t) => {
  const image = await imageOf(t, payloadFile("memtest86+x64.efi"));
  const machine = await boot({ image, memoryMiB: 256 });
  t.teardown(() => machine.kill());
  await t.notThrowsAsync(machine.expect(/BdsDxe: starting Boot\w+ "UEFI QEMU HARDDISK/));
});

test("firmware that is given no application says so", async (t) => {
  const image = await imageOf(t, Buffer.from("no application"));
  const machine = await boot({ image, memoryMiB: 256 });
  t.teardown(() => machine.kill());
  await t.notThrowsAsync(machine.expect(/BdsDxe: failed to load Boot\w+ "UEFI QEMU HARDDISK/));
});
