/** What `typevisor new image` writes: an appliance with one Linux on a q35, and the test that boots it. */
import { join } from "node:path";
import { repositoryRoot } from "../root.ts";
import { specifier, type NewFile } from "./new-file.ts";

/** The files of a new image in a project. */
export function imageFiles(project: string, name: string): readonly NewFile[] {
  const file = (path: string, text: (typevisor: (path: string) => string) => string): NewFile => ({
    path,
    text: text((module) => specifier(join(project, path), join(repositoryRoot, module))),
  });
  return [
    file(`images/${name}.ts`, (typevisor) => manifest(name, typevisor)),
    file(`images/${name}.boot.test.ts`, (typevisor) => bootTest(name, typevisor)),
  ];
}

type Module = (path: string) => string;

function manifest(name: string, typevisor: Module): string {
  return `/** The ${name}: Debian's unmodified cloud kernel with a busybox initramfs, on a q35. */
import { q35 } from "${typevisor("devices/q35.ts")}";
import { guest, image, linux, mib, payload } from "${typevisor("dsl/image.ts")}";

export default image({
  name: "${name}",
  guests: [
    guest({
      name: "linux",
      memory: mib(512),
      vcpus: 1,
      kernel: linux({
        kernel: payload("vmlinuz-cloud"),
        initrd: payload("initramfs.gz"),
        commandLine: "console=ttyS0",
      }),
      devices: [q35()],
      onPowerOff: "power-off-machine",
    }),
  ],
});
`;
}

function bootTest(name: string, typevisor: Module): string {
  return `import { join } from "node:path";
import test from "ava";
import { bootAppliance, buildAppliance, shell } from "${typevisor("ci/boot/appliance.ts")}";
import { shellPrompt } from "${typevisor("ci/initramfs.ts")}";
import { preparePayloads } from "${typevisor("ci/payloads.ts")}";

test("the guest boots to its shell, and its power-off ends the machine", async (t) => {
  await preparePayloads();
  const appliance = await buildAppliance(join(import.meta.dirname, "${name}.ts"));
  t.teardown(() => appliance.remove());
  const machine = await bootAppliance(appliance);
  t.teardown(() => machine.kill());
  await machine.expect(shellPrompt);
  t.is(await shell(machine, "cat /proc/cmdline"), "console=ttyS0\\n");
  machine.send("poweroff\\n");
  t.deepEqual(await machine.exit(), { status: 0, signal: undefined });
});
`;
}
