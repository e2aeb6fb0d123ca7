/** Virtio devices as a guest has them: each a PCI function behind its host bridge. */
import type { Targets } from "../dsl/device/instance.ts";
import { networkPort, type NetworkPortOptions } from "../dsl/manifest/network.ts";
import { channelEnd, promptAt, sockets, type PipeDeclaration } from "../dsl/manifest/channel.ts";
import type { DeviceDeclaration, DeviceOptions, DeviceTemplate } from "../dsl/manifest/device.ts";
import type { Permit } from "../dsl/manifest/operator.ts";
import type { PciPlaces } from "../dsl/manifest/pci.ts";
import type { Bytes } from "../dsl/manifest/units.ts";
import type { VolumeDeclaration } from "../dsl/manifest/volume.ts";
import { pciDevice } from "./pci/place.ts";
import { virtioBlkDevice } from "./virtio/blk.ts";
import { virtioNetDevice } from "./virtio/net.ts";
import { virtioBlkVolume } from "./virtio/blk-volume.ts";
import type { ConsoleOptions } from "./virtio/console-control.ts";
import { virtioConsoleDevice } from "./virtio/console.ts";
import { virtioRngDevice } from "./virtio/rng.ts";
import { virtioBarBytes } from "./virtio/transport.ts";
import { virtioVsockDevice } from "./virtio/vsock.ts";

/** Gives a device its place among the guest's functions, and its messages their way to the local APICs. */
function onBus(
  pci: PciPlaces,
  name: string,
  make: (gpa: number) => unknown,
  connect: Readonly<Record<string, Targets>> = {},
  parts: DeviceOptions["parts"] = [],
  volume?: VolumeDeclaration,
): DeviceDeclaration {
  return pciDevice(pci, {
    name,
    barBytes: [virtioBarBytes],
    make,
    connect: { messages: { board: "bus" }, ...connect },
    parts,
    ...(volume && { volume }),
  });
}

export interface VirtioDeviceOptions {
  /** Unique in its guest. */
  readonly name?: string;
}

/** A disk is memory of a size, or a volume. */
export type VirtioBlkOptions = VirtioDeviceOptions &
  (
    | {
        /** Of a disk that is all memory: whole sectors of 512 bytes, at most 16 MiB. Zero when the guest starts. */
        readonly size: Bytes;
      }
    | {
        /** What the disk is: `partition({ name: "data" })`, or `espFile("data.img")`. */
        readonly disk: VolumeDeclaration;
      }
  );

/** A disk. */
export function virtioBlk(options: VirtioBlkOptions): DeviceTemplate {
  const { name = "disk" } = options;
  if ("size" in options) return ({ pci }) => [onBus(pci, name, (gpa) => virtioBlkDevice(gpa, options.size))];
  const { disk } = options;
  const make = (gpa: number): unknown => virtioBlkVolume(gpa, { name, readOnly: disk.readOnly });
  return ({ pci }) => [onBus(pci, name, make, { done: { board: "volume" } }, [], disk)];
}

export interface VirtioNetOptions extends VirtioDeviceOptions, NetworkPortOptions {}

/** A network card at a port of a network between guests. */
export function virtioNet({ name = "net", ...port }: VirtioNetOptions): DeviceTemplate {
  const part = networkPort(name, { wire: "lan", arrival: "arrival" }, port);
  return ({ pci }) => [onBus(pci, name, virtioNetDevice, {}, [part])];
}

/** A source of random numbers: those of the machine's processor. */
export function virtioRng({ name = "rng" }: VirtioDeviceOptions = {}): DeviceTemplate {
  return ({ pci }) => [onBus(pci, name, virtioRngDevice)];
}

/** A port of a {@link virtioConsole}. */
export interface ConsolePortOptions {
  /** What the guest calls it: `/dev/virtio-ports/NAME`. */
  readonly name: string;
  /**
   * What is at its other end: the guest's console, which makes it a console of the guest (hvc) too and takes the
   * input from whatever had it before; the console, but for what the port sends alone; nothing; a port of another
   * guest, which has the pipe's other end; or an operator's prompt that permits no more than is said here.
   */
  readonly to: "console" | "log" | "nowhere" | PipeDeclaration | { readonly operator: readonly Permit[] };
}

export interface VirtioConsoleOptions extends VirtioDeviceOptions {
  readonly ports: readonly ConsolePortOptions[];
  /** Of the operator's terminal, in characters. */
  readonly size?: ConsoleOptions["size"];
}

/** Serial ports with names. */
export function virtioConsole({ name = "console", ports, size }: VirtioConsoleOptions): DeviceTemplate {
  const connect = ports.flatMap(({ to }, i): [string, Targets][] => {
    if (typeof to === "object") return [];
    const output: [string, Targets] = [`output[${i}]`, { board: to === "nowhere" ? to : "console" }];
    return to === "console" ? [output, [`input[${i}]`, { board: "console" }]] : [output];
  });
  const ends = ports.flatMap(({ name, to }, index) => {
    if (typeof to !== "object") return [];
    const channel = "operator" in to ? promptAt(name, to.operator) : to;
    return [channelEnd({ channel, wire: "pipes", index, arrival: "arrival" })];
  });
  const own = ports.map((p) => ({
    name: p.name,
    console: p.to === "console",
    pipe: typeof p.to === "object",
  }));
  const make = (gpa: number) => virtioConsoleDevice(gpa, { ports: own, ...(size && { size }) });
  return ({ pci }) => [onBus(pci, name, make, Object.fromEntries(connect), ends)];
}

export interface VirtioVsockOptions extends VirtioDeviceOptions {
  /** The guest's context identifier, 3 to 2^32 - 2; by default 3 and the guest's place in the image, from 0 on. */
  readonly cid?: number;
}

/** Stream sockets to the other guests that have them. */
export function virtioVsock({ name = "vsock", cid }: VirtioVsockOptions = {}): DeviceTemplate {
  const end = channelEnd({
    ...{ channel: sockets, wire: "peers", arrival: "arrival" },
    ...(cid !== undefined && { address: cid }),
  });
  return ({ pci }) => [onBus(pci, name, virtioVsockDevice, {}, [end])];
}
