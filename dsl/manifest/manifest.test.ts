import test, { type ExecutionContext } from "ava";
import { gib, guest, image, linux, mib, payload, type Manifest } from "../image.ts";
import { uart16550 } from "../../devices/uart16550.ts";
import { instantiate } from "../device/instance.ts";
import {
  fitted,
  gsiLine,
  guestDevice,
  isa,
  isaLine,
  mmioWindow,
  portWindow,
  type DeviceDeclaration,
} from "./device.ts";
import { ManifestError, type ManifestCode } from "./error.ts";
import type { GuestDeclaration } from "./guest.ts";
import type { Bytes } from "./units.ts";
import {
  sampleDevice,
  sampleInterruptControllers,
  sampleLapic,
  samplePc,
  sampleUart,
} from "./testing/sample.ts";

const kernel = linux({
  kernel: payload("vmlinuz"),
  initrd: payload("initrd.gz"),
  commandLine: "console=ttyS0",
});

function guestWith(devices: readonly DeviceDeclaration[], memory: Bytes = mib(512)): GuestDeclaration {
  return guest({ name: "linux", memory, vcpus: 1, kernel, devices });
}

function imageWith(devices: readonly DeviceDeclaration[], memory: Bytes = mib(512)): Manifest {
  return image({ name: "sample", guests: [guestWith(devices, memory)] });
}

/** Expects a ManifestError with a code, in words that hold all of `words`, and with that many places in this file. */
function refuses(
  t: ExecutionContext,
  code: ManifestCode,
  places: number,
  words: readonly string[],
  declare: () => unknown,
): void {
  const error = t.throws(declare, { instanceOf: ManifestError });
  t.is(error.code, code);
  t.is(error.places.length, places);
  for (const place of error.places) t.regex(place.stack ?? "", /manifest\.test\.ts/);
  if (places === 1) t.is(error.at, error.places[0]!);
  t.is(error.related.length, places - 1);
  for (const word of words) t.true(error.message.includes(word), `"${error.message}" does not say ${word}`);
}

test("a manifest's model is JSON and loses nothing on the way through it", (t) => {
  const { model } = imageWith(samplePc());
  t.deepEqual(JSON.parse(JSON.stringify(model)), model);
});

test("a manifest's model cannot be changed anywhere", (t) => {
  const check = (value: unknown, path: string): void => {
    if (typeof value !== "object" || value === null) return;
    t.true(Object.isFrozen(value), `${path} is not frozen`);
    for (const [key, inner] of Object.entries(value)) check(inner, `${path}.${key}`);
  };
  check(imageWith(samplePc()).model, "model");
});

test("the same declarations give the same model", (t) => {
  t.is(JSON.stringify(imageWith(samplePc()).model), JSON.stringify(imageWith(samplePc()).model));
});

test("what a manifest leaves out gets its default", (t) => {
  const { model } = imageWith(samplePc());
  t.deepEqual(model.console, { port: 0x3f8, baud: 115_200, guest: 0 });
  t.deepEqual(model.guests[0]!.power, {
    onPowerOff: "stop",
    onReboot: "restart",
    onCrash: "stop",
    rebootPolicy: null,
    crashPolicy: null,
    stopDeadlineNs: 30e9,
  });
  t.is(model.permitNoAcpi, false);
  t.deepEqual(
    model.payloads.map((p) => [p.path, p.role, p.placement, p.espPath]),
    [
      ["vmlinuz", "linux-kernel", "sealed", null],
      ["initrd.gz", "initrd", "sealed", null],
    ],
  );
});

test("payloads of the EFI system partition have a place there that names the image", (t) => {
  const { model } = image({ name: "sample", guests: [guestWith(samplePc())], payloads: "esp" });
  t.deepEqual(
    model.payloads.map((p) => p.espPath),
    ["\\typevisor\\sample\\vmlinuz", "\\typevisor\\sample\\initrd.gz"],
  );
});

test("two guests that boot one kernel bring it along once", (t) => {
  const second = guest({ name: "second", memory: mib(64), vcpus: 2, kernel, devices: samplePc() });
  const { model } = image({ name: "sample", guests: [guestWith(samplePc()), second] });
  t.is(model.payloads.length, 2);
  t.deepEqual(
    model.guests.map((g) => g.loader.kernelPayload),
    [0, 0],
  );
});

test("RAM below the device hole is in one piece apart from the hole below 1 MiB", (t) => {
  const { slots, e820 } = imageWith(samplePc()).model.guests[0]!;
  t.deepEqual(
    slots.map((s) => [s.gpa, s.sizeBytes, s.ramOffset]),
    [
      [0, 0xa_0000, 0],
      [0xe_0000, 0x2_0000, 0xe_0000],
      [0x10_0000, 0x1ff0_0000, 0x10_0000],
    ],
  );
  t.deepEqual(
    e820.map((e) => [e.gpa, e.gpa + e.sizeBytes, e.type]),
    [
      [0, 0x9_fc00, "ram"],
      [0x9_fc00, 0xa_0000, "reserved"],
      [0xe_0000, 0xe_f000, "acpi"],
      [0xe_f000, 0xf_0000, "nvs"],
      [0xf_0000, 0x10_0000, "reserved"],
      [0x10_0000, 0x2000_0000, "ram"],
      [0xb000_0000, 0xc000_0000, "reserved"],
    ],
  );
});

test("RAM that the device hole leaves no place for goes on at 4 GiB, both parts aligned to 1 GiB", (t) => {
  const { slots, e820, loader } = imageWith(samplePc(), gib(4)).model.guests[0]!;
  const gibibyte = 2 ** 30;
  t.deepEqual(slots.at(-1), {
    name: "memory above 4 GiB",
    kind: "ram",
    gpa: 4 * gibibyte,
    sizeBytes: 2 * gibibyte,
    ramOffset: 2 * gibibyte,
  });
  t.like(loader, { loadLimitGpa: 2 * gibibyte });
  t.deepEqual(e820.at(-1), { gpa: 4 * gibibyte, sizeBytes: 2 * gibibyte, type: "ram" });
});

test("every byte of a guest's RAM has one place, whatever its size", (t) => {
  for (const memory of [mib(4), mib(64), mib(2814), mib(2816), mib(2818), gib(3), gib(64)]) {
    const { slots, e820 } = imageWith(samplePc(), memory).model.guests[0]!;
    const hole = 0xe_0000 - 0xa_0000;
    t.is(
      slots.reduce((sum, s) => sum + s.sizeBytes, 0),
      memory - hole,
    );
    for (const list of [slots, e820]) {
      list.slice(1).forEach((item, i) => {
        t.true(list[i]!.gpa + list[i]!.sizeBytes <= item.gpa, `overlap at ${item.gpa} with ${memory}`);
      });
    }
    for (const entry of e820.filter((e) => e.type !== "reserved" || e.gpa < 0x10_0000)) {
      const backed = slots.some(
        (s) => s.gpa <= entry.gpa && entry.gpa + entry.sizeBytes <= s.gpa + s.sizeBytes,
      );
      t.true(backed, `${entry.type} at ${entry.gpa} is no memory`);
    }
  }
});

test("ACPI tables lie where the guest's map says so, and FACS where it survives", (t) => {
  const { acpi, e820 } = imageWith(samplePc()).model.guests[0]!;
  for (const { signature, gpa, bytes } of acpi.tables) {
    const type = signature === "FACS" ? "nvs" : signature === "RSD PTR " ? "reserved" : "acpi";
    const holder = e820.find((e) => e.gpa <= gpa && gpa + bytes.length <= e.gpa + e.sizeBytes);
    t.is(holder?.type, type, signature);
  }
});

test("the chipset follows from the devices", (t) => {
  const { chipset } = imageWith(samplePc()).model.guests[0]!;
  t.deepEqual(chipset.pciWindow, { gpa: 0xc000_0000, sizeBytes: 0x3ec0_0000 });
  t.deepEqual(chipset.overrides, [
    { irq: 0, gsi: 2, trigger: "edge", polarity: "high" },
    { irq: 9, gsi: 9, trigger: "level", polarity: "high" },
  ]);
  t.is(chipset.pmBase, 0x600);
  t.is(chipset.hpetGpa, 0xfed0_0000);
});

test("32-bit BARs get the largest run of addresses that no device has", (t) => {
  const hole = sampleDevice({
    name: "flash",
    type: "rom",
    windows: [mmioWindow("rom", 0xc100_0000, 0x1000)],
  });
  const { chipset } = imageWith([...samplePc(), hole]).model.guests[0]!;
  t.deepEqual(chipset.pciWindow, { gpa: 0xc100_1000, sizeBytes: 0xfec0_0000 - 0xc100_1000 });
});

test("a guest's virtual CPUs have APIC ids of their own", (t) => {
  const four = guest({ name: "four", memory: mib(64), vcpus: 4, kernel, devices: samplePc() });
  const { model } = image({ name: "sample", guests: [four] });
  t.deepEqual(
    model.guests[0]!.vcpus.map((v) => v.apicId),
    [0, 1, 2, 3],
  );
});

// ---- Wrong manifests ------------------------------------------------------------------------------------------

test("a name that is no identifier is refused", (t) => {
  for (const name of ["", "Linux", "1st", "a_b", "a b", "a-", "a".repeat(33)] as string[]) {
    refuses(t, "TV5101", 1, [`"${name}"`], () =>
      guest({ name, memory: mib(64), vcpus: 1, kernel, devices: [] }),
    );
    refuses(t, "TV5101", 1, [`"${name}"`], () => image({ name, guests: [guestWith(samplePc())] }));
    refuses(t, "TV5101", 1, [`"${name}"`], () => sampleDevice({ name, type: "none" }));
  }
});

test("an image without guests is refused", (t) => {
  const none = [] as unknown as [GuestDeclaration];
  refuses(t, "TV5102", 1, ['"sample"', "no guest"], () => image({ name: "sample", guests: none }));
});

test("two guests of one name are refused with both places", (t) => {
  refuses(t, "TV5103", 2, ['"linux"'], () =>
    image({ name: "sample", guests: [guestWith(samplePc()), guestWith(samplePc())] }),
  );
});

test("two devices of one name are refused with both places", (t) => {
  const devices = [
    sampleLapic(),
    sampleDevice({ name: "x", type: "a" }),
    sampleDevice({ name: "x", type: "b" }),
  ];
  refuses(t, "TV5104", 2, ['"x"', '"linux"'], () => imageWith(devices));
});

test("no virtual CPU and too many are refused", (t) => {
  for (const vcpus of [0, -1, 1.5, 33, Number.NaN]) {
    refuses(t, "TV5105", 1, ['"linux"', `${vcpus} virtual CPUs`, "1 to 32"], () =>
      guest({ name: "linux", memory: mib(64), vcpus: vcpus as 1, kernel, devices: [] }),
    );
  }
});

test("memory of an impossible size is refused", (t) => {
  for (const memory of [mib(2), mib(65), gib(1024), 4096 as Bytes]) {
    refuses(t, "TV5106", 1, ['"linux"', "in steps of 2 MiB"], () => guestWith([], memory));
  }
});

test("a device twice at the same port is refused with both places", (t) => {
  const devices = [...samplePc(), sampleUart("com2", 0x3f8, 3)];
  refuses(t, "TV5107", 2, ['"com2"', '"com1"', "ports 0x3f8 to 0x3ff"], () => imageWith(devices));
});

test("windows that share one port only are refused", (t) => {
  const devices = [...samplePc(), sampleUart("com2", 0x3f1, 3)];
  refuses(t, "TV5107", 2, ["ports 0x3f1 to 0x3f8"], () => imageWith(devices));
});

test("windows side by side, and of different spaces, are not refused", (t) => {
  const devices = [
    ...samplePc(),
    sampleUart("com2", 0x3f0, 3),
    sampleDevice({ name: "e", type: "e", windows: [portWindow("p", 0x3ee, 2)] }),
  ];
  t.notThrows(() => imageWith(devices));
});

test("MMIO windows that overlap are refused with both places", (t) => {
  const other = sampleDevice({ name: "other", type: "x", windows: [mmioWindow("m", 0xfec0_0800, 0x1000)] });
  refuses(t, "TV5107", 2, ['"other"', '"ioapic"', "addresses 0xfec00800"], () =>
    imageWith([...samplePc(), other]),
  );
});

test("a device in the guest's memory is refused with both places", (t) => {
  const device = sampleDevice({ name: "frame", type: "x", windows: [mmioWindow("m", 0x1000_0000, 0x1000)] });
  refuses(t, "TV5108", 2, ['"frame"', "memory of guest", "0x100000 to 0x1fffffff"], () =>
    imageWith([...samplePc(), device]),
  );
  t.notThrows(() => imageWith([...samplePc(), device], mib(256)), "just behind the memory it is right");
});

test("a device in the memory above 4 GiB is refused", (t) => {
  const device = sampleDevice({ name: "frame", type: "x", windows: [mmioWindow("m", 2 ** 32, 0x1000)] });
  t.notThrows(() => imageWith([...samplePc(), device], gib(2)));
  refuses(t, "TV5108", 2, ['"frame"'], () => imageWith([...samplePc(), device], gib(4)));
});

test("one IRQ used twice is refused with both places", (t) => {
  const devices = [...samplePc(), sampleUart("com3", 0x3e8, 4)];
  refuses(t, "TV5109", 2, ['"com3"', '"com1"', "IRQ 4"], () => imageWith(devices));
});

test("one pin of the I/O APIC used twice is refused, and shared where both share it", (t) => {
  const line = (name: string, shareable: boolean, polarity: "low" | "high" = "low"): DeviceDeclaration =>
    sampleDevice({ name, type: "x", lines: [gsiLine("l", 16, { trigger: "level", polarity, shareable })] });
  const pc = sampleInterruptControllers();
  refuses(t, "TV5109", 2, ["interrupt 16", "do not share"], () =>
    imageWith([...pc, line("a", true), line("b", false)]),
  );
  refuses(t, "TV5109", 2, ["interrupt 16", "signalled differently"], () =>
    imageWith([...pc, line("a", true), line("b", true, "high")]),
  );
  t.notThrows(() => imageWith([...pc, line("a", true), line("b", true)]));
});

test("an IRQ that reaches the pin of another one is refused", (t) => {
  const second = sampleDevice({ name: "two", type: "x", lines: [isaLine("l", 2)] });
  refuses(t, "TV5109", 2, ['"two"', '"pit"', "interrupt 2"], () => imageWith([...samplePc(), second]));
});

test("a line to an interrupt that does not exist is refused", (t) => {
  for (const line of [gsiLine("l", 24 as 23), gsiLine("l", -1 as 0), isaLine("l", 16 as 15)]) {
    refuses(t, "TV5110", 1, ['"wild"', '"l"'], () =>
      sampleDevice({ name: "wild", type: "x", lines: [line] }),
    );
  }
});

test("a window outside of its space is refused", (t) => {
  for (const window of [
    portWindow("w", 0xfff9, 8),
    portWindow("w", -1, 1),
    mmioWindow("w", 2 ** 52, 1),
    portWindow("w", 0, 0),
  ]) {
    refuses(t, "TV5111", 1, ['"wild"', '"w"'], () =>
      sampleDevice({ name: "wild", type: "x", windows: [window] }),
    );
  }
});

test("a guest without the interrupt controllers that it needs is refused", (t) => {
  refuses(t, "TV5112", 1, ["neither an I/O APIC nor a pair of 8259s"], () =>
    imageWith([sampleLapic(), sampleUart()]),
  );
  const [, ioapic] = sampleInterruptControllers();
  refuses(t, "TV5112", 1, ["no local APIC that takes"], () => imageWith([ioapic!]));
  const two = guest({ name: "two", memory: mib(64), vcpus: 2, kernel, devices: [] });
  refuses(t, "TV5112", 1, ["2 virtual CPUs and no local APICs"], () =>
    image({ name: "sample", guests: [two] }),
  );
});

test("one virtual CPU with the pair of 8259s alone needs no local APIC", (t) => {
  const [, , pics] = sampleInterruptControllers();
  const one = imageWith([pics!, sampleUart()]).model.guests[0]!;
  t.is(one.chipset.lapicGpa, null);
  t.false(one.acpi.tables.some((table) => table.signature === "APIC"));
});

test("two of what a guest has once are refused with both places", (t) => {
  const second = sampleDevice({ name: "second", type: "rtc", parts: [{ part: "rtc", centuryIndex: 0x32 }] });
  refuses(t, "TV5113", 2, ['"rtc"', '"second"', "real-time clock"], () => imageWith([...samplePc(), second]));
});

test("devices that leave PCI no addresses below 4 GiB are refused", (t) => {
  const wide = sampleDevice({
    name: "wide",
    type: "x",
    windows: [mmioWindow("m", 0xc000_0000, 0xfec0_0000 - 0xc000_0000)],
  });
  refuses(t, "TV5114", 1, ["no addresses left", "0xc0000000"], () => imageWith([...samplePc(), wide]));
});

test("guests that the machine has no memory for are refused with the places of all", (t) => {
  const other = guest({ name: "other", memory: gib(1), vcpus: 1, kernel, devices: samplePc() });
  refuses(t, "TV5115", 3, ["1536 MiB", "the machine has 1024 MiB"], () =>
    image({ name: "sample", guests: [guestWith(samplePc()), other], machine: { memory: gib(1) } }),
  );
  t.notThrows(() =>
    image({ name: "sample", guests: [guestWith(samplePc())], machine: { memory: mib(520) } }),
  );
});

test("a payload's path that names no file is refused", (t) => {
  for (const path of ["", "kernels/", "..", "a b", "c:\\x"] as string[]) {
    refuses(t, "TV5116", 1, [`"${path}"`], () => payload(path));
  }
  t.is(payload("../kernels/memtest86+x64.bin").name, "memtest86+x64.bin");
});

test("two payloads of one place on the EFI system partition are refused with both places", (t) => {
  const devices = samplePc();
  const clash = linux({ kernel: payload("a/vmlinuz"), initrd: payload("b/VMLINUZ") });
  const one = guest({ name: "one", memory: mib(64), vcpus: 1, kernel: clash, devices });
  refuses(t, "TV5117", 2, ['"a/vmlinuz"', '"b/VMLINUZ"'], () =>
    image({ name: "sample", guests: [one], payloads: "esp" }),
  );
  t.notThrows(() => image({ name: "sample", guests: [one] }), "sealed they have no names");
});

test("more payloads than the kernel has room for are refused", (t) => {
  const guests = Array.from({ length: 17 }, (_, i) =>
    guest({
      name: `guest-${i}` as string,
      memory: mib(64),
      vcpus: 1,
      kernel: linux({ kernel: payload(`vmlinuz-${i}` as string) }),
      devices: samplePc(),
    }),
  );
  refuses(t, "TV5118", 2, ["17 payloads", "at most 16"], () =>
    image({ name: "sample", guests: guests as unknown as [GuestDeclaration] }),
  );
});

test("a command line that cannot be passed on is refused", (t) => {
  refuses(t, "TV5119", 1, ["character 2 "], () => linux({ kernel: payload("k"), commandLine: "a\nb" }));
  refuses(t, "TV5119", 1, ["4096 characters"], () =>
    linux({ kernel: payload("k"), commandLine: "x".repeat(4096) }),
  );
  t.notThrows(() => linux({ kernel: payload("k"), commandLine: "x".repeat(4095) }));
});

test("a console of a guest that does not exist is refused", (t) => {
  const guests = [guestWith(samplePc())] as const;
  refuses(t, "TV5120", 1, ['"nobody"', '"linux"'], () =>
    image({ name: "sample", guests, console: { guest: "nobody" } }),
  );
  t.is(image({ name: "sample", guests, console: { guest: null } }).model.console.guest, null);
});

test("options out of their range are refused", (t) => {
  const guests = [guestWith(samplePc())] as const;
  refuses(t, "TV5121", 1, ["cpuCapacity", "65"], () => image({ name: "sample", guests, cpuCapacity: 65 }));
  refuses(t, "TV5121", 1, ["power of two"], () =>
    image({ name: "sample", guests, events: { recordsPerCpu: 100 } }),
  );
  refuses(t, "TV5121", 1, ["timerSlack"], () =>
    image({ name: "sample", guests, timerSlack: 10_000_001 as never }),
  );
});

test("ACPI names that are wrong or taken are refused", (t) => {
  const named = (name: string, acpiName: string, hardwareId = "PNP0501"): DeviceDeclaration =>
    sampleDevice({ name, type: "x", acpi: { name: acpiName, hardwareId } });
  refuses(t, "TV5122", 1, ['"com"'], () => imageWith([sampleLapic(), named("a", "com")]));
  refuses(t, "TV5122", 1, ['"PNP1"'], () => imageWith([sampleLapic(), named("a", "COMA", "PNP1")]));
  refuses(t, "TV5122", 1, ['"ISA"', "taken"], () => imageWith([sampleLapic(), named("a", "ISA")]));
  refuses(t, "TV5122", 2, ['"COMA"', "taken"], () =>
    imageWith([sampleLapic(), named("a", "COMA"), named("b", "COMA")]),
  );
});

test("more devices than the ACPI tables have room for are refused", (t) => {
  const many = Array.from({ length: 1200 }, (_, i) =>
    guestDevice({
      name: `d${i}` as string,
      type: "x",
      windows: [
        portWindow("a", 0x1000 + i * 8, 8),
        portWindow("b", 0x4000 + i * 8, 8),
        portWindow("c", 0x8000 + i * 8, 8),
      ],
      acpi: { name: `D${i.toString(16).toUpperCase()}`, hardwareId: "PNP0C01" },
    }),
  );
  refuses(t, "TV5122", 1, ["more than there are"], () => imageWith([sampleLapic(), ...many]));
});

test("devices of different virtual CPUs may have the same addresses, and of one may not", (t) => {
  const lapic = (vcpu: number, name = `lapic${vcpu}`): DeviceDeclaration =>
    sampleDevice({
      name,
      type: "lapic",
      vcpu,
      windows: [mmioWindow("registers", 0xfee0_0000, 0x1000)],
      parts: [{ part: "lapic", gpa: 0xfee0_0000 }],
    });
  const model = imageWith([lapic(0), lapic(1)]).model.guests[0]!;
  t.deepEqual(
    model.devices.map((d) => d.vcpu),
    [0, 1],
  );
  refuses(t, "TV5107", 2, ['"again"'], () => imageWith([lapic(0), lapic(1), lapic(1, "again")]));
  const shared = sampleDevice({ name: "x", type: "x", windows: [mmioWindow("m", 0xfee0_0000, 0x1000)] });
  refuses(t, "TV5107", 2, ['"x"'], () => imageWith([lapic(0), shared]));
});

test("a template makes a guest's devices for its number of virtual CPUs", (t) => {
  const three = guest({
    name: "three",
    memory: mib(64),
    vcpus: 3,
    kernel,
    devices: [
      (g) =>
        Array.from({ length: g.vcpus }, (_, i) =>
          sampleDevice({ name: `${g.name}-${i}` as string, type: "x" }),
        ),
    ],
  });
  t.deepEqual(
    three.devices.map((d) => d.name),
    ["three-0", "three-1", "three-2"],
  );
});

test("a wire to a device that the guest has not is refused with both places", (t) => {
  const device = sampleDevice({ name: "a", type: "x", wires: [{ name: "irq", targets: isa(4) }] });
  refuses(t, "TV5112", 2, ['"irq"', '"pic"'], () => imageWith([sampleLapic(), device]));
  const elsewhere = sampleDevice({
    name: "b",
    type: "x",
    wires: [{ name: "irq", targets: [{ instance: "hub", pin: 1 }] }],
  });
  refuses(t, "TV5112", 2, ['"irq"', '"hub"'], () => imageWith([...samplePc(), elsewhere]));
  t.notThrows(() => imageWith([...sampleInterruptControllers(), device]));
});

test("an ISA interrupt ends at those interrupt controllers that the guest has", (t) => {
  const [lapic, ioapic, pics] = sampleInterruptControllers();
  const com1 = fitted(instantiate(uart16550, "com1", { at: { ports: 0x3f8 }, connect: { irq: isa(4) } }));
  const targets = (...devices: DeviceDeclaration[]): unknown =>
    guestWith([...devices, com1])
      .devices.find((d) => d.name === "com1")!
      .instance!.wires.find((w) => w.name === "irq")!.targets;
  t.deepEqual(targets(pics!), [{ instance: "pic", pin: 4 }]);
  t.deepEqual(targets(lapic!, ioapic!), [{ instance: "ioapic", pin: 4 }]);
  t.deepEqual(targets(lapic!, ioapic!, pics!), isa(4));
});

test("an instance's windows and lines follow from its place and its wiring", (t) => {
  const instance = instantiate(uart16550, "com2", {
    at: { ports: 0x2f8 },
    connect: { irq: isa(3), output: { board: "console" } },
  });
  const device = fitted(instance, { lines: { irq: { shareable: true } } });
  t.is(device.name, "com2");
  t.is(device.type, "uart16550");
  t.deepEqual(device.windows, [{ name: "ports", space: "port", base: 0x2f8, size: 8 }]);
  t.deepEqual(device.lines, [
    { name: "irq", irq: 3, gsi: 3, trigger: "edge", polarity: "high", shareable: true },
  ]);
  t.deepEqual(fitted(instance, { routed: ["irq"] }).lines, []);
  t.is(device.instance?.name, "com2");
});
