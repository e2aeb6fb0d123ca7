/**
 * Channels between devices of several guests: every end has a queue of its own from each other end, so that nobody can
 * take the room that is another's. Messages keep their order from end to end and are never lost while both guests run;
 * a sender for whose message there is no room is told when there is. Devices are told by the kernel's loop, never
 * within another's exit.
 */
import { u16, u32, u64, u8 } from "../dsl/core/int.ts";
import { addressOf } from "../dsl/core/intrinsics.ts";
import { array, bool, struct, type FixedArray } from "../dsl/core/layout.ts";
import { storage } from "../dsl/core/storage.ts";
import type { Board } from "../dsl/device/board.ts";
import { channelMessages, Sent } from "../dsl/device/channel.ts";
import type { ChannelModel } from "../dsl/manifest/model.ts";
import type { PlacedInstance } from "./board.ts";
import { DomainState, type Domain } from "./domain.ts";
import { copyHost } from "./guest-memory.ts";
import type { PromptEnds } from "./operator/port.ts";

/** The part of the board that reaches channels. */
export type ChannelBoard = Pick<
  Board,
  "endAddress" | "reachesEnd" | "sendToEnd" | "waitingMessage" | "takeMessage"
>;

/** What the channels need of the board. */
export interface ChannelSurroundings {
  readonly domains: FixedArray<Domain>;
  readonly enterGuest: (guest: u32) => void;
  readonly deliver: () => void;
  /** Makes the current vCPU give way to the kernel's loop. */
  readonly yieldCurrent: () => void;
}

export interface Channels {
  readonly board: ChannelBoard;
  /** The prompts' ends of the channels that have one; null: there is none. */
  readonly prompts: PromptEnds | null;
  /** Tells devices the news of their ends, and what comes of it; true where something is left to tell. */
  run(): boolean;
  /** A guest starts or has ended: what waits for it is forgotten, and everybody on its channels has news. */
  forget(guest: u32): void;
}

/** The guest of an end that is the kernel's. */
const nobody = 0xffff_ffff;
/** Addresses of the ends of a channel to a prompt. */
const deviceAddress = 1;
const promptAddress = 2;
/** Rounds of news that follow from each other, before guests have their turn. */
const rounds = 4;
const slotMask = channelMessages - 1;

/** Builds the channels over the instances. */
export function channelsOf(
  channels: readonly ChannelModel[],
  instances: readonly PlacedInstance[],
  { domains, enterGuest, deliver, yieldCurrent }: ChannelSurroundings,
): Channels {
  let numbered = 0;
  const firstPrompt = Math.max(0, ...instances.map((p) => p.firstWire + p.instance.wires.length));
  const prompts = channels.filter(({ operator }) => operator !== null);
  if (firstPrompt + prompts.length > 0x1_0000) throw new RangeError("there is no wire left for a prompt");
  const deviceEnds = channels.flatMap(({ messageBytes, ends: members }, channel) =>
    members.map(({ guest, device, wire, index, arrival, address }) => {
      const owner = instances.find((p) => p.guest === guest && p.instance.name === device);
      const end = owner?.instance.wires.find((w) => w.name === wire && w.index === index);
      const pin = owner?.instance.device.inputs.find((g) => g.name === arrival)?.first;
      if (owner === undefined || end === undefined || pin === undefined)
        throw new RangeError(`end ${wire}[${index}] of ${device} is on no channel, or has no pin`);
      return Object.freeze({
        ...{ channel, guest, address, messageBytes, pin, state: owner.state, number: numbered++ },
        wire: owner.firstWire + end.ordinal,
        input: owner.instance.device.input as (self: object, pin: u16, level: boolean) => void,
      });
    }),
  );
  /** The kernel's own: they look for themselves. */
  const promptEnds = prompts.map(({ messageBytes }, index) =>
    Object.freeze({
      ...{ channel: channels.indexOf(prompts[index]!), guest: nobody, address: promptAddress, messageBytes },
      ...{ number: numbered++, wire: firstPrompt + index },
    }),
  );
  const ends = [...deviceEnds, ...promptEnds];
  const promptGuests = Object.freeze(prompts.map((p) => p.ends[0]!.guest));
  const hasPrompts = prompts.length > 0;
  const count = ends.length;
  /** A queue from one end to another. */
  let poolBytes = 0;
  const lanes = ends.flatMap((to, toEnd) =>
    ends.flatMap((from, fromEnd) => {
      if (from.channel !== to.channel || from === to) return [];
      const base = poolBytes;
      poolBytes += channelMessages * to.messageBytes;
      return [{ fromEnd, toEnd, base, from, to }];
    }),
  );
  const laneCount = lanes.length;
  const of = (value: (lane: (typeof lanes)[number]) => number): readonly number[] =>
    Object.freeze(laneCount === 0 ? [0] : lanes.map(value));
  const senders = of((l) => l.from.wire);
  const senderEnds = of((l) => l.fromEnd);
  const receivers = of((l) => l.to.wire);
  const receiverEnds = of((l) => l.toEnd);
  const receiverGuests = of((l) => l.to.guest);
  const senderGuests = of((l) => l.from.guest);
  const addresses = of((l) => l.to.address);
  const bases = of((l) => l.base);
  const sizes = of((l) => l.to.messageBytes);

  const Lane = struct("ChannelLane", {
    head: u32,
    count: u32,
    refused: bool,
    lengths: array(u16, channelMessages),
  });
  const End = struct("ChannelEndState", { news: bool });
  const state = storage("channelLanes", array(Lane, Math.max(laneCount, 1)));
  const told = storage("channelEnds", array(End, Math.max(count, 1)));
  const pool = storage("channelMessages", array(u8, Math.max(poolBytes, 1)));
  const turn = storage("channelTurn", struct("ChannelTurn", { next: u32 }));

  const laneOf = (wire: u16, address: u32): u32 => {
    for (let i = 0; i < laneCount; i++) if (senders[i] === wire && addresses[i] === address) return u32(i);
    return laneCount;
  };
  const runs = (lane: u32): boolean =>
    (hasPrompts && receiverGuests[Math.min(lane, laneCount - 1)] === nobody) ||
    domains[Math.min(receiverGuests[Math.min(lane, laneCount - 1)], domains.length - 1)].state ===
      DomainState.running;
  const isThere = (lane: u32): boolean => laneCount !== 0 && lane < laneCount && runs(lane);
  const tell = (end: u32): void => {
    told[Math.min(end, Math.max(count, 1) - 1)].news = true;
    yieldCurrent();
  };
  const slotAt = (lane: u32, position: u32): u64 =>
    u64(addressOf(pool) + BigInt(bases[lane] + (position & slotMask) * sizes[lane]));
  /** The lane whose turn it is to be heard at an end; `laneCount` where nothing waits. */
  const nextFor = (wire: u16): u32 => {
    let at: u32 = turn.next;
    for (let i = 0; i < laneCount; i++) {
      at = at + 1 >= laneCount ? 0 : u32(at + 1);
      if (receivers[at] === wire && state[at].count !== 0) return at;
    }
    return laneCount;
  };

  /** Tells every device its news; whether there was any. */
  const tellAll = (): boolean => {
    let any = false;
    for (const e of deviceEnds) {
      const own = told[e.number];
      if (own.news) {
        own.news = false;
        any = true;
        if (domains[e.guest].state === DomainState.running) {
          enterGuest(e.guest);
          e.input(e.state, e.pin, true);
          e.input(e.state, e.pin, false);
          deliver();
        }
      }
    }
    return any;
  };

  const board: ChannelBoard = Object.freeze({
    endAddress: (wire: u16): u32 => {
      for (const e of ends) if (wire === e.wire) return e.address;
      return 0;
    },
    reachesEnd: (wire: u16, address: u32): boolean => isThere(laneOf(wire, address)),
    sendToEnd: (wire: u16, address: u32, bytes: FixedArray<u8>, length: u32): u8 => {
      const lane = laneOf(wire, address);
      if (!isThere(lane)) return Sent.nobody;
      const known = u32(Math.min(lane, Math.max(laneCount, 1) - 1));
      const self = state[known];
      const waiting = self.count;
      if (length === 0 || length > sizes[known] || length > bytes.length) return Sent.nobody;
      if (waiting >= channelMessages) {
        self.refused = true;
        return Sent.noRoom;
      }
      const position = u32(self.head + waiting);
      copyHost(slotAt(known, position), addressOf(bytes), length);
      self.lengths[position & slotMask] = u16(length);
      self.count = u32(waiting + 1);
      tell(receiverEnds[known]);
      return Sent.sent;
    },
    waitingMessage: (wire: u16): u32 => {
      const lane = nextFor(wire);
      if (lane >= laneCount) return 0;
      const self = state[Math.min(lane, Math.max(laneCount, 1) - 1)];
      return self.lengths[self.head & slotMask];
    },
    takeMessage: (wire: u16, bytes: FixedArray<u8>): u32 => {
      const lane = nextFor(wire);
      if (lane >= laneCount) return 0;
      const known = u32(Math.min(lane, Math.max(laneCount, 1) - 1));
      const self = state[known];
      const head = self.head;
      const length = self.lengths[head & slotMask];
      if (length > bytes.length) return 0;
      copyHost(addressOf(bytes), slotAt(known, head), length);
      self.head = u32(head + 1);
      self.count = u32(self.count - 1);
      turn.next = known;
      if (self.refused) {
        self.refused = false;
        tell(senderEnds[known]);
      }
      return length;
    },
  });
  const lastPrompt = prompts.length - 1;
  const isAt = (domain: Domain): boolean =>
    domain.state === DomainState.running || domain.state === DomainState.paused;
  const wireOf = (end: u32): u16 => u16(firstPrompt + Math.min(end, lastPrompt));

  return Object.freeze({
    board,
    prompts: !hasPrompts
      ? null
      : Object.freeze({
          permits: Object.freeze(prompts.map(({ operator }) => operator ?? [])),
          isThere: (end: u32): boolean =>
            isAt(domains[Math.min(promptGuests[Math.min(end, lastPrompt)], domains.length - 1)]),
          take: (end: u32, bytes: FixedArray<u8>): u32 => board.takeMessage(wireOf(end), bytes),
          send: (end: u32, bytes: FixedArray<u8>, length: u32): boolean =>
            board.sendToEnd(wireOf(end), deviceAddress, bytes, length) === Sent.sent,
        }),
    run(): boolean {
      for (let i = 0; i < rounds; i++) if (!tellAll()) return false;
      return count !== 0;
    },
    forget(guest: u32): void {
      for (let i = 0; i < laneCount; i++) {
        if (receiverGuests[i] === guest) {
          state[i].count = 0;
          state[i].refused = false;
          tell(senderEnds[i]);
          tell(receiverEnds[i]);
        } else if (senderGuests[i] === guest) tell(receiverEnds[i]);
      }
    },
  });
}
