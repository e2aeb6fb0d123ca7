import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import test from "ava";
import { checkPayloads } from "../compiler/image/payload-check.ts";
import type { Manifest } from "../dsl/image.ts";
import { prepareBareGuest } from "../ci/bare-guest/build.ts";
import { payloadFolder, preparePayloads } from "../ci/payloads.ts";

const folder = dirname(fileURLToPath(import.meta.url));
const files = readdirSync(folder).filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"));

async function manifestOf(name: string): Promise<Manifest> {
  const module = (await import(pathToFileURL(join(folder, name)).href)) as { readonly default: Manifest };
  return module.default;
}

test.before(async () => {
  await preparePayloads();
  prepareBareGuest();
});

for (const name of files) {
  test(`images/${name} is named like its file, and its payloads boot in its guests`, async (t) => {
    const manifest = await manifestOf(name);
    t.is(manifest.model.name, basename(name, ".ts"));
    const payloads = checkPayloads(manifest, { imageFolder: folder, cacheFolder: payloadFolder });
    t.is(payloads.length, manifest.model.payloads.length);
  });
}

test("the default image is a whole q35", async (t) => {
  const { model } = await manifestOf("hello-linux.ts");
  const [guest] = model.guests;
  t.is(model.guests.length, 1);
  t.like(guest.loader, { commandLine: "console=ttyS0" });
  t.deepEqual(guest.acpi.tables.map((table) => table.signature).sort(), [
    "APIC",
    "DSDT",
    "FACP",
    "FACS",
    "HPET",
    "MCFG",
    "RSD PTR ",
    "XSDT",
  ]);
  const at = (space: "port" | "mmio", base: number): string | undefined =>
    guest.devices.find((d) => d.windows.some((w) => w.space === space && w.base === base))?.type;
  for (const port of [0x20, 0xa0, 0x4d0, 0x40, 0x61, 0x70, 0x3f8, 0x600, 0xcf8, 0xe9]) {
    t.truthy(at("port", port), `nothing at port 0x${port.toString(16)}`);
  }
  for (const gpa of [0xfec0_0000, 0xfee0_0000, 0xfed0_0000, 0xb000_0000]) {
    t.truthy(at("mmio", gpa), `nothing at 0x${gpa.toString(16)}`);
  }
});

test("the image with files on the partition differs from the default in nothing but their place", async (t) => {
  const sealed = (await manifestOf("hello-linux.ts")).model;
  const esp = (await manifestOf("hello-linux-esp.ts")).model;
  t.deepEqual(
    {
      ...esp,
      name: sealed.name,
      payloads: esp.payloads.map((p) => ({ ...p, placement: "sealed", espPath: null })),
    },
    JSON.parse(JSON.stringify(sealed)),
  );
});

test("the guide shows images/minimal-linux.ts as it is", (t) => {
  const source = readFileSync(join(folder, "minimal-linux.ts"), "utf8");
  const guide = readFileSync(join(folder, "../docs/guide/first-appliance.md"), "utf8");
  const [, shown] = /```ts\n([\s\S]*?)```/.exec(guide)!;
  t.is(shown, source.slice(source.indexOf("import ")));
});
