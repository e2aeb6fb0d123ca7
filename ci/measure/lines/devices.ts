/** Devices that others have too, with everybody's own files for them. What several devices share is counted apart. */

/** Whose lines are counted beside ours. */
export const linePeers = ["qemu", "xen", "firecracker"] as const;
export type LinePeer = (typeof linePeers)[number];

/** One device: our files, and each peer's; a text says why there are none. */
export interface CountedDevice {
  readonly name: string;
  readonly own: readonly string[];
  readonly peers: Readonly<Record<LinePeer, readonly string[] | string>>;
}

const kernels = "KVM's, in the kernel";
const none = "has no such device";
const firecrackerFiles = (...names: readonly string[]): string[] =>
  names.map((name) => `src/vmm/src/devices/${name}.rs`);
const xenHvm = (...names: readonly string[]): string[] => names.map((name) => `xen/arch/x86/hvm/${name}.c`);

/** In the order in which they are shown. */
export const countedDevices: readonly CountedDevice[] = [
  {
    name: "uart16550",
    own: ["devices/uart16550.ts"],
    peers: { qemu: ["hw/char/serial.c"], xen: none, firecracker: firecrackerFiles("legacy/serial") },
  },
  {
    name: "i8254",
    own: ["devices/i8254.ts"],
    peers: {
      qemu: ["hw/timer/i8254.c", "hw/timer/i8254_common.c"],
      xen: ["xen/arch/x86/emul-i8254.c"],
      firecracker: kernels,
    },
  },
  {
    name: "i8259",
    own: ["devices/i8259.ts"],
    peers: { qemu: ["hw/intc/i8259.c", "hw/intc/i8259_common.c"], xen: xenHvm("vpic"), firecracker: kernels },
  },
  {
    name: "ioapic",
    own: ["devices/ioapic.ts"],
    peers: {
      qemu: ["hw/intc/ioapic.c", "hw/intc/ioapic_common.c"],
      xen: xenHvm("vioapic"),
      firecracker: kernels,
    },
  },
  {
    name: "local-apic",
    own: [
      "devices/local-apic.ts",
      ...["bus", "control", "requests", "shape", "synthetic", "timer", "x2apic"].map(
        (part) => `devices/local-apic/${part}.ts`,
      ),
    ],
    peers: { qemu: ["hw/intc/apic.c", "hw/intc/apic_common.c"], xen: xenHvm("vlapic"), firecracker: kernels },
  },
  {
    name: "hpet",
    own: ["devices/hpet.ts"],
    peers: { qemu: ["hw/timer/hpet.c"], xen: xenHvm("hpet"), firecracker: none },
  },
  {
    name: "mc146818",
    own: ["devices/mc146818.ts"],
    peers: { qemu: ["hw/rtc/mc146818rtc.c"], xen: xenHvm("rtc"), firecracker: none },
  },
  {
    name: "i6300esb",
    own: ["devices/i6300esb.ts"],
    peers: { qemu: ["hw/watchdog/wdt_i6300esb.c"], xen: none, firecracker: none },
  },
  {
    name: "viridian",
    own: [
      "devices/viridian.ts",
      ...[
        "crash",
        "frequencies",
        "identity",
        "idle",
        "interrupts",
        "reference-time",
        "reset",
        "vp-index",
      ].map((part) => `devices/viridian/${part}.ts`),
    ],
    peers: {
      qemu: kernels,
      xen: xenHvm("viridian/viridian", "viridian/synic", "viridian/time"),
      firecracker: none,
    },
  },
  {
    name: "virtio-rng",
    own: ["devices/virtio/rng.ts"],
    peers: {
      qemu: ["hw/virtio/virtio-rng.c"],
      xen: none,
      firecracker: firecrackerFiles("virtio/rng/device", "virtio/rng/event_handler"),
    },
  },
  {
    name: "virtio-blk",
    own: ["devices/virtio/blk.ts", "devices/virtio/blk-request.ts"],
    peers: {
      qemu: ["hw/block/virtio-blk.c"],
      xen: none,
      firecracker: firecrackerFiles(
        ...["device", "request", "event_handler"].map((part) => `virtio/block/virtio/${part}`),
      ),
    },
  },
  {
    name: "virtio-console",
    own: ["devices/virtio/console.ts", "devices/virtio/console-control.ts"],
    peers: {
      qemu: ["hw/char/virtio-console.c", "hw/char/virtio-serial-bus.c"],
      xen: none,
      firecracker: none,
    },
  },
  {
    name: "virtio-net",
    own: ["devices/virtio/net.ts"],
    peers: {
      qemu: ["hw/net/virtio-net.c"],
      xen: none,
      firecracker: firecrackerFiles("virtio/net/device", "virtio/net/event_handler"),
    },
  },
  {
    name: "virtio-transport",
    own: [
      ...["transport", "structure", "turns"].map((part) => `devices/virtio/${part}.ts`),
      "dsl/device/virtqueue.ts",
    ],
    peers: {
      qemu: ["hw/virtio/virtio.c", "hw/virtio/virtio-pci.c"],
      xen: none,
      firecracker: firecrackerFiles("virtio/mmio", "virtio/queue"),
    },
  },
];
