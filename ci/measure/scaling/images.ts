/** Appliances that differ in one number. */
import { debugcon } from "../../../devices/debugcon.ts";
import { q35 } from "../../../devices/q35.ts";
import { instantiate } from "../../../dsl/device/instance.ts";
import { guest, image, linux, mib, payload, type Manifest } from "../../../dsl/image.ts";
import type { VcpuCount } from "../../../dsl/manifest/guest.ts";
import { fitted, type DeviceDeclaration } from "../../../dsl/manifest/device.ts";
import { countedPort } from "../../../platforms/x86_64/bare-guest/ports.ts";

/** A device of one port, whose bytes go nowhere. */
const portDevice = (index: number): DeviceDeclaration =>
  fitted(
    instantiate(debugcon, `port${index}`, {
      at: { port: countedPort(index) },
      connect: { output: { board: "nowhere" } },
    }),
  );

/** One guest, which measures its ports, with a q35 and some devices of one port each. */
export function withDevices(count: number): Manifest {
  return image({
    name: "scaled",
    permitNoAcpi: true,
    guests: [
      guest({
        name: "measuring",
        memory: mib(64),
        vcpus: 1,
        kernel: linux({ kernel: payload("bare-guest.bzimage"), commandLine: "b" }),
        devices: [q35(), ...Array.from({ length: count }, (_, i) => portDevice(i))],
      }),
    ],
  });
}

/** CPUs of the machine that guests and virtual CPUs are counted for; one alone has no scheduler. */
const cpuCapacity = (count: number): number => Math.min(count, 4);

/** Some guests, all alike. */
export function withGuests(count: number): Manifest {
  const [first, ...others] = Array.from({ length: count }, (_, i) => `guest${i}`).map((name: string) =>
    guest({
      name,
      memory: mib(64),
      vcpus: 1,
      kernel: linux({ kernel: payload("bare-guest.bzimage") }),
      devices: [q35()],
    }),
  );
  return image({ name: "scaled", cpuCapacity: cpuCapacity(count), guests: [first, ...others] });
}

/** One guest of some virtual CPUs. */
export function withVcpus(count: VcpuCount): Manifest {
  return image({
    name: "scaled",
    cpuCapacity: cpuCapacity(count),
    guests: [
      guest({
        name: "guest0",
        memory: mib(64),
        vcpus: count,
        kernel: linux({ kernel: payload("bare-guest.bzimage") }),
        devices: [q35()],
      }),
    ],
  });
}

/** One guest with so many MiB of memory, which crashes as soon as it runs and is started again. */
export function withMemory(mebibytes: number): Manifest {
  return image({
    name: "scaled",
    permitNoAcpi: true,
    guests: [
      guest({
        name: "crashing",
        memory: mib(mebibytes),
        vcpus: 1,
        kernel: linux({ kernel: payload("bare-guest.bzimage"), commandLine: "t" }),
        devices: [q35()],
        onCrash: "restart",
      }),
    ],
  });
}

/** Guests that compute for ever on two CPUs. */
export function withComputing(count: number): Manifest {
  const [first, ...others] = Array.from({ length: count }, (_, i) => `guest${i}`).map((name: string) =>
    guest({
      name,
      memory: mib(32),
      vcpus: 1,
      kernel: linux({ kernel: payload("bare-guest.bzimage"), commandLine: "B" }),
      devices: [q35()],
    }),
  );
  return image({ name: "scaled", cpuCapacity: 2, guests: [first, ...others] });
}
