/** Networks between guests, and the ports on them: what a manifest says, and what it comes to. */
import { ManifestError, placeOf } from "./error.ts";
import { checkName, type Identifier } from "./names.ts";
import type { GuestDeclaration } from "./guest.ts";
import type { NetworkModel, NetworkPortModel } from "./model.ts";
import type { Bytes } from "./units.ts";

/** A network, declared. */
export interface NetworkDeclaration {
  readonly kind: "network";
  readonly name: string;
  readonly place: Error;
}

/** Declares a network that guests are on by devices such as `virtioNet`. Throws ManifestError for a name that cannot be. */
export function network<const Name extends string>(options: {
  /** Unique in the image. */
  readonly name: Identifier<Name> & string;
}): NetworkDeclaration {
  const name: string = options.name;
  const place = placeOf(`network "${name}"`);
  checkName("a network", name, place);
  return Object.freeze({ kind: "network", name, place });
}

/** What a manifest may say about a port. */
export interface NetworkPortOptions {
  readonly network: NetworkDeclaration;
  /** Its address, `02:54:56:00:00:01`; by default one that follows from the names of network, guest and device. */
  readonly mac?: string;
  /** Bytes that the guest may send in a second: from 1 KiB to 64 GiB; no limit by default. */
  readonly rate?: Bytes;
  /** Bytes that it may send at once after a pause: 2 KiB to 1 GiB; 64 KiB by default. */
  readonly burst?: Bytes;
}

/** A device's port, as a part of its declaration. */
export interface NetworkPort extends Pick<NetworkPortModel, "wire" | "arrival" | "rateBytes" | "burstBytes"> {
  readonly part: "network-port";
  readonly network: NetworkDeclaration;
  readonly mac: string | undefined;
  readonly place: Error;
}

/**
 * Declares the port of a device that is called `device`; `wire` and `arrival` are its names for the port, and for the
 * pin that is pulsed when frames come. Throws ManifestError for an address or a rate that cannot be.
 */
export function networkPort(
  device: string,
  { wire, arrival }: Pick<NetworkPort, "wire" | "arrival">,
  options: NetworkPortOptions,
): NetworkPort {
  const place = placeOf(`network card "${device}"`);
  const places = [place, options.network.place] as const;
  const mac = options.mac?.toLowerCase();
  if (mac !== undefined) checkMac(mac, places);
  const rateBytes = inRange("rate", options.rate, [2 ** 10, 2 ** 36], places) ?? null;
  const burstBytes = inRange("burst", options.burst, [2 ** 11, 2 ** 30], places);
  return Object.freeze({
    ...{ part: "network-port", network: options.network, wire, arrival, mac, rateBytes, place },
    burstBytes: burstBytes ?? defaultBurst,
  });
}

/** Ports of an image at most: a frame may go to all of them within one exit of its sender. */
const mostPorts = 32;
const defaultBurst = 64 * 2 ** 10;

/** Brings the guests' ports together. Throws ManifestError where they contradict each other. */
export function resolveNetworks(guests: readonly GuestDeclaration[]): readonly NetworkModel[] {
  const networks = new Map<NetworkDeclaration, { ports: NetworkPortModel[]; places: Map<string, Error> }>();
  let count = 0;
  guests.forEach((guest, index) => {
    for (const device of guest.devices) {
      for (const port of device.parts) {
        if (port.part !== "network-port") continue;
        const { wire, arrival, rateBytes, burstBytes, place } = port;
        if (++count > mostPorts)
          throw new ManifestError("TV5133", `the guests have more than ${mostPorts} ports on networks`, [
            place,
            guest.place,
          ]);
        const mac = port.mac ?? defaultMac(port.network.name, guest.name, device.name);
        const known = networks.get(port.network) ?? added(networks, port.network);
        const other = known.places.get(mac);
        if (other !== undefined)
          throw new ManifestError(
            "TV5132",
            `device "${device.name}" of guest "${guest.name}" has the address ${mac}, which another has on network "${port.network.name}"`,
            [place, other],
          );
        known.places.set(mac, place);
        const model = { guest: index, device: device.name, wire, arrival, mac, rateBytes, burstBytes };
        known.ports.push(Object.freeze(model));
      }
    }
  });
  return Object.freeze(
    [...networks].map(([{ name }, { ports }]) => Object.freeze({ name, ports: Object.freeze(ports) })),
  );
}

function added<V>(
  networks: Map<NetworkDeclaration, { ports: V[]; places: Map<string, Error> }>,
  network: NetworkDeclaration,
): { ports: V[]; places: Map<string, Error> } {
  const other = [...networks.keys()].find(({ name }) => name === network.name);
  if (other !== undefined)
    throw new ManifestError("TV5130", `two networks have the name "${network.name}"`, [
      network.place,
      other.place,
    ]);
  const made = { ports: [], places: new Map<string, Error>() };
  networks.set(network, made);
  return made;
}

function checkMac(mac: string, places: readonly [Error, Error]): void {
  const bytes = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac) ? mac.split(":").map((b) => parseInt(b, 16)) : [];
  const why =
    bytes.length === 0
      ? "an address is six bytes in hexadecimal with colons between"
      : (bytes[0]! & 1) !== 0
        ? "the lowest bit of its first byte makes it one of a group"
        : bytes.every((b) => b === 0)
          ? "all zero stands for none"
          : undefined;
  if (why === undefined) return;
  throw new ManifestError("TV5131", `"${mac}" is no address of a network card: ${why}`, [...places]);
}

function inRange(
  option: string,
  value: number | undefined,
  [least, most]: readonly [number, number],
  places: readonly [Error, Error],
): number | undefined {
  if (value === undefined || (value >= least && value <= most)) return value;
  throw new ManifestError("TV5121", `${option} is ${value} bytes, and must be from ${least} to ${most}`, [
    ...places,
  ]);
}

/** Locally administered (IEEE 802 §8.4), and the same in every build: FNV-1a over the names. */
function defaultMac(...names: readonly string[]): string {
  let hash = 0x811c_9dc5;
  for (const letter of names.join("/")) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x0100_0193) >>> 0;
  const bytes = [24, 16, 8, 0].map((shift) => ((hash >>> shift) & 0xff).toString(16).padStart(2, "0"));
  return `02:54:${bytes.join(":")}`;
}
