import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import test from "ava";
import ts from "typescript";

const folder = dirname(fileURLToPath(import.meta.url));
const root = resolve(folder, "../..");

const preamble = `
import { gib, guest, image, linux, mib, microseconds, multiboot, payload, pvh } from "../image.ts";
import { gsiLine, isaLine } from "./device.ts";
const kernel = linux({ kernel: payload("vmlinuz") });
const one = guest({ name: "one", memory: mib(64), vcpus: 1, kernel, devices: [] });
export const used = [gib, guest, image, linux, mib, microseconds, multiboot, payload, pvh, gsiLine, isaLine, kernel, one];
`;

/** Sources that the checker must accept, by what they show. */
const accepted = {
  "a whole manifest": `export const m = image({
    name: "hello-linux-2",
    guests: [guest({ name: "a", memory: gib(1), vcpus: 32, kernel, devices: [], onPowerOff: "power-off-machine" })],
    console: { port: 0x2f8, baud: 9600, guest: null },
    payloads: "esp",
    permitNoAcpi: true,
    cpuCapacity: 8,
    events: { recordsPerCpu: 512 },
    timerSlack: microseconds(100),
    machine: { memory: gib(2) },
  });`,
  "a function that makes guests": `import type { Bytes } from "../image.ts";
    const debian = (file: string, memory: Bytes) =>
      guest({
        name: "debian",
        memory,
        vcpus: 1,
        kernel: linux({ kernel: payload(file), commandLine: "console=ttyS0" }),
        devices: [],
        onCrash: "restart",
      });
    export const m = image({ name: "general", guests: [debian("vmlinuz-amd64", gib(1))] });`,
  "kernels of every kind": `export const all = [
    pvh({ kernel: payload("vmlinux"), commandLine: "console=ttyS0", modules: [{ payload: payload("initrd") }] }),
    multiboot({ kernel: payload("kernel"), modules: [{ payload: payload("a"), commandLine: "a b" }] }),
    pvh({ kernel: payload("vmlinux") }),
  ].map((kernel) => guest({ name: "a", memory: gib(1), vcpus: 1, kernel, devices: [] }));`,
  "names that are computed, which the build looks at": `export const name: string = "x" + used.length;
    export const g = guest({ name, memory: mib(64), vcpus: 1, kernel, devices: [] });`,
  "sizes that are computed": `export const m = mib(used.length);`,
  "paths with folders": `export const p = payload("../kernels/vmlinuz-6.1.0", { placement: "esp" });`,
  "every interrupt that there is": `export const l = [isaLine("l", 0), isaLine("l", 15, { gsi: 23 }), gsiLine("l", 23)];`,
} as const;

/** Sources that the checker must refuse, and what its message must hold. */
const refused = {
  "no virtual CPU": [`guest({ name: "a", memory: mib(64), vcpus: 0, kernel, devices: [] });`, "VcpuCount"],
  "too many virtual CPUs": [
    `guest({ name: "a", memory: mib(64), vcpus: 33, kernel, devices: [] });`,
    "VcpuCount",
  ],
  "an image without guests": [`image({ name: "a", guests: [] });`, "0 element"],
  "a property that an image has not": [`image({ name: "a", guests: [one], guest: [] });`, "'guest'"],
  "a property that a guest has not": [
    `guest({ name: "a", memory: mib(64), vcpus: 1, kernel, devices: [], disk: 1 });`,
    "'disk'",
  ],
  "a property that a kernel has not": [`linux({ kernel: payload("k"), cmdline: "quiet" });`, "'cmdline'"],
  "an initrd beside a kernel that finds modules": [
    `pvh({ kernel: payload("k"), initrd: payload("i") });`,
    "'initrd'",
  ],
  "modules of a Linux kernel": [`linux({ kernel: payload("k"), modules: [] });`, "'modules'"],
  "a payload as a module": [`multiboot({ kernel: payload("k"), modules: [payload("m")] });`, "ModuleOptions"],
  "a guest without memory": [`guest({ name: "a", vcpus: 1, kernel, devices: [] });`, "'memory'"],
  "memory without a unit": [`guest({ name: "a", memory: 64, vcpus: 1, kernel, devices: [] });`, "Bytes"],
  "memory as a time": [
    `guest({ name: "a", memory: microseconds(5), vcpus: 1, kernel, devices: [] });`,
    "Bytes",
  ],
  "no memory": [`mib(0);`, "must be a whole number above zero"],
  "negative memory": [`mib(-1);`, "must be a whole number above zero"],
  "half a mebibyte": [`mib(0.5);`, "must be a whole number above zero"],
  "a guest's name with a capital": [
    `guest({ name: "Linux", memory: mib(64), vcpus: 1, kernel, devices: [] });`,
    "a name is lower-case letters",
  ],
  "an image's name with a space": [
    `image({ name: "my image", guests: [one] });`,
    "a name is lower-case letters",
  ],
  "an empty name": [`image({ name: "", guests: [one] });`, "a name is lower-case letters"],
  "a name that begins with a digit": [
    `image({ name: "1st", guests: [one] });`,
    "a name is lower-case letters",
  ],
  "a name that ends in a dash": [`image({ name: "a-", guests: [one] });`, "a name is lower-case letters"],
  "a payload without a name": [`payload("");`, "a payload's path names a file"],
  "a payload that is a folder": [`payload("kernels/");`, "a payload's path names a file"],
  "a path with a backslash": [`payload("a\\\\b");`, "a payload's path names a file"],
  "a path as a payload": [`linux({ kernel: "vmlinuz" });`, "PayloadDeclaration"],
  "an IRQ beyond 15": [`isaLine("l", 16);`, "IsaIrq"],
  "an interrupt beyond 23": [`gsiLine("l", 24);`, "Gsi"],
  "an IRQ wired beyond pin 23": [`isaLine("l", 4, { gsi: 24 });`, "Gsi"],
  "a policy that there is not": [
    `guest({ name: "a", memory: mib(64), vcpus: 1, kernel, devices: [], onPowerOff: "restart" });`,
    '"stop"',
  ],
  "a place for payloads that there is not": [
    `image({ name: "a", guests: [one], payloads: "disk" });`,
    "Placement",
  ],
  "a serial port where there is none": [
    `image({ name: "a", guests: [one], console: { port: 0x3f0 } });`,
    "1016",
  ],
  "a speed that the port has not": [`image({ name: "a", guests: [one], console: { baud: 300 } });`, "115200"],
} as const;

/** The checker's messages for each source, all in one program. */
function messages(sources: Readonly<Record<string, string>>): ReadonlyMap<string, readonly string[]> {
  const config = ts.readConfigFile(join(root, "tsconfig.json"), (path) => ts.sys.readFile(path));
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root);
  const host = ts.createCompilerHost({ ...options, types: [] });
  const files = new Map(
    Object.entries(sources).map(([what, source], i) => [join(folder, `snippet-${i}.ts`), { what, source }]),
  );
  const { getSourceFile, fileExists } = host;
  host.fileExists = (path) => files.has(path) || fileExists(path);
  host.getSourceFile = (path, version) => {
    const file = files.get(path);
    if (file === undefined) return getSourceFile(path, version);
    return ts.createSourceFile(path, `${preamble}${file.source}`, version);
  };
  const program = ts.createProgram([...files.keys()], { ...options, types: [] }, host);
  return new Map(
    [...files].map(([path, { what }]) => {
      const found = ts.getPreEmitDiagnostics(program, program.getSourceFile(path));
      return [what, found.map((d) => ts.flattenDiagnosticMessageText(d.messageText, "\n"))];
    }),
  );
}

const said = messages({
  ...accepted,
  ...Object.fromEntries(Object.entries(refused).map(([what, [source]]) => [what, source])),
});

for (const what of Object.keys(accepted)) {
  test(`the type checker accepts ${what}`, (t) => {
    t.deepEqual(said.get(what), []);
  });
}

for (const [what, [, words]] of Object.entries(refused)) {
  test(`the type checker refuses ${what}`, (t) => {
    const list = said.get(what)!;
    t.is(list.length, 1, list.join("\n"));
    t.true(list[0]!.includes(words), list[0]);
  });
}
