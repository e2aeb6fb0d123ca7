/** Channels between devices of several guests: what a manifest says of them, and what it comes to. */
import { mostMessageBytes, pipeBytes } from "../device/channel.ts";
import { ManifestError, placeOf } from "./error.ts";
import type { GuestDeclaration } from "./guest.ts";
import type { ChannelEndModel, ChannelModel } from "./model.ts";
import { checkName, type Identifier } from "./names.ts";
import { checkedPermits, type Permit } from "./operator.ts";

/** A channel, declared. */
export interface ChannelDeclaration {
  readonly kind: "channel";
  readonly name: string;
  /** Bytes of its longest message. */
  readonly messageBytes: number;
  /**
   * Two ends with the addresses 1 and 2; or any number, each with an address of its own; or one with the address 1, and the
   * operator's prompt.
   */
  readonly ends: "two" | "many" | "operator";
  /** Of the prompt: what it permits. */
  readonly permits?: readonly Permit[];
  readonly place: Error;
}

/** An end of a channel, as a part of a device's declaration. */
export interface ChannelEndPart {
  readonly part: "channel-end";
  readonly channel: ChannelDeclaration;
  /** The device's names for the end, and for the pin that is pulsed when there is news. */
  readonly wire: string;
  /** Of an array's element. */
  readonly index?: number;
  readonly arrival: string;
  /** Of an end of many: 3 to 2^32 - 2; by default 3 and the guest's index. */
  readonly address?: number;
  readonly place: Error;
}

/** Declares that a device has an end of a channel. */
export function channelEnd(end: Omit<ChannelEndPart, "part" | "place">): ChannelEndPart {
  return Object.freeze({ part: "channel-end", ...end, place: placeOf(`end of ${end.channel.name}`) });
}

/** A pipe between ports of two guests: `virtioConsole` takes it. */
export interface PipeDeclaration extends ChannelDeclaration {
  readonly ends: "two";
}

/** Declares a pipe. Throws ManifestError for a name that cannot be. */
export function pipe<const Name extends string>(options: {
  /** For messages about it. */
  readonly name: Identifier<Name> & string;
}): PipeDeclaration {
  const name: string = options.name;
  const place = placeOf(`pipe "${name}"`);
  checkName("a pipe", name, place);
  return Object.freeze({ kind: "channel", name, messageBytes: 256, ends: "two", place });
}

/** Declares an operator's prompt at the other end of a device's port. Throws ManifestError for what cannot be permitted. */
export function promptAt(name: string, permits: readonly Permit[]): ChannelDeclaration {
  const place = placeOf(`port "${name}"`);
  const own = checkedPermits(`port "${name}"`, permits, place);
  return Object.freeze({
    kind: "channel",
    name,
    messageBytes: pipeBytes + 1,
    ends: "operator",
    permits: own,
    place,
  });
}

/** The channel of virtio's sockets: every guest that has a `virtioVsock` is on it. */
export const sockets: ChannelDeclaration = Object.freeze({
  ...{ kind: "channel", name: "the guests' sockets", messageBytes: mostMessageBytes, ends: "many" },
  place: placeOf("the guests' sockets"),
});

/** The addresses of ends of many: those of virtio's sockets that a guest may have (virtio 1.2 §5.10.4). */
const firstAddress = 3;
const lastAddress = 0xffff_fffe;
/** Ends of a channel at most: each has a queue from each other. */
const mostEnds = 8;

/** Brings the ends of all guests' devices together. Throws ManifestError where they contradict each other. */
export function resolveChannels(guests: readonly GuestDeclaration[]): readonly ChannelModel[] {
  const channels = new Map<ChannelDeclaration, { model: ChannelEndModel; place: Error }[]>();
  guests.forEach((guest, index) => {
    for (const device of guest.devices) {
      for (const part of device.parts) {
        if (part.part !== "channel-end") continue;
        const { channel, wire, arrival } = part;
        const known = channels.get(channel) ?? [];
        channels.set(channel, known);
        const address = channel.ends !== "many" ? known.length + 1 : (part.address ?? firstAddress + index);
        checkAddress(channel, address, [part.place, guest.place]);
        const twin = known.find((end) => end.model.address === address);
        if (twin !== undefined)
          throw new ManifestError(
            "TV5136",
            `device "${device.name}" of guest "${guest.name}" has the address ${address}, which another has on ${channel.name}`,
            [part.place, twin.place],
          );
        known.push({
          model: Object.freeze({
            ...{ guest: index, device: device.name, wire, index: part.index ?? 0, arrival, address },
          }),
          place: part.place,
        });
      }
    }
  });
  return Object.freeze(
    [...channels].map(([channel, ends]) => {
      const { name, messageBytes } = channel;
      const [first, ...more] = ends.map(({ place }) => place);
      // The channel of sockets is declared in no manifest.
      const places: [Error, ...Error[]] = [channel.ends !== "many" ? channel.place : first!, ...more];
      if (channel.ends === "two" && ends.length !== 2)
        throw new ManifestError(
          "TV5137",
          `pipe "${name}" has ${ends.length === 1 ? "one end" : `${ends.length} ends`}, and a pipe has two`,
          places,
        );
      if (ends.length > mostEnds)
        throw new ManifestError(
          "TV5138",
          `${name} has ${ends.length} guests on it, and there may be ${mostEnds}`,
          places,
        );
      return Object.freeze({
        ...{ name, messageBytes, operator: channel.permits ?? null },
        ends: Object.freeze(ends.map(({ model }) => model)),
      });
    }),
  );
}

function checkAddress(
  channel: ChannelDeclaration,
  address: number,
  places: readonly [Error, ...Error[]],
): void {
  if (channel.ends !== "many") return;
  if (Number.isInteger(address) && address >= firstAddress && address <= lastAddress) return;
  throw new ManifestError(
    "TV5135",
    `${address} is no address of a guest on ${channel.name}: those are ${firstAddress} to ${lastAddress}`,
    places,
  );
}
