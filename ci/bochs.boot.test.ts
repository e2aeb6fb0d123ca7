import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { writeDiskImage } from "../compiler/image/disk.ts";
import { bootBochs } from "./bochs.ts";
import { payloadFile } from "./payloads.ts";

for (const cpu of ["corei7_skylake_x", "ryzen"] as const) {
  test(`under Bochs with ${cpu}, UEFI firmware starts the application of a disk image`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "typevisor-disk-"));
    t.teardown(() => rmSync(folder, { recursive: true }));
    const image = join(folder, "disk.img");
    await writeDiskImage({ efi: payloadFile("memtest86+x64.efi"), out: image });
    const machine = await bootBochs({ image, cpu });
    t.teardown(() => machine.kill());
    await t.notThrowsAsync(machine.expect(/BdsDxe: starting Boot\w+ "UEFI Generic/, { limitMs: 600_000 }));
    t.is((await machine.kill()).signal, "SIGKILL");
  });
}

test("a panic of Bochs is part of the failure", async (t) => {
  const image = payloadFile("memtest86+x64.bin");
  const machine = await bootBochs({ image, cpu: "ryzen", extra: ["vgaromimage: file=/no/such/file"] });
  t.teardown(() => machine.kill());
  await t.throwsAsync(machine.expect("anything"), {
    message: /couldn't open ROM image file '\/no\/such\/file'/,
  });
});
