import test from "ava";
import { array, make } from "../dsl/core/layout.ts";
import { u8 } from "../dsl/core/int.ts";
import { channelMessages, Sent } from "../dsl/device/channel.ts";
import type { ChannelModel } from "../dsl/manifest/model.ts";
import type { Permit } from "../dsl/manifest/operator.ts";
import type { PlacedInstance } from "./board.ts";
import { channelsOf } from "./channels.ts";
import { Domain, DomainState } from "./domain.ts";

const messageBytes = 64;

/**
 * Ends with wires 10, 20, … and addresses 3, 4, …, one in each guest, all on one channel; and who hears news. With a `prompt`,
 * the first has the address 1 on a channel to one.
 */
function scene(guests: number, prompt: readonly Permit[] | null = null) {
  const domains = make(array(Domain, guests));
  const heard: number[] = [];
  let yields = 0;
  const instances = Array.from({ length: guests }, (_, guest) => {
    domains[guest].state = DomainState.running;
    const device = {
      inputs: [{ name: "arrival", first: 2, pins: 1 }],
      input: (_self: object, pin: number, level: boolean): void => {
        if (pin === 2 && level) heard.push(guest);
      },
    };
    const wires = [{ name: "end", index: 0, ordinal: 0 }];
    return { instance: { name: "device", wires, device }, guest, state: {}, firstWire: 10 * (guest + 1) };
  }) as unknown as readonly PlacedInstance[];
  const model: ChannelModel = {
    name: "channel",
    messageBytes,
    operator: prompt,
    ends: instances.slice(0, prompt === null ? guests : 1).map(({ guest }) => ({
      ...{ guest, device: "device", wire: "end", index: 0, arrival: "arrival" },
      address: prompt === null ? 3 + guest : 1,
    })),
  };
  const channels = channelsOf([model], instances, {
    domains,
    enterGuest: () => undefined,
    deliver: () => undefined,
    yieldCurrent: () => yields++,
  });
  const wireOf = (guest: number): number => 10 * (guest + 1);
  return {
    ...{ domains, channels },
    send(from: number, to: number, bytes: readonly number[]): number {
      const buffer = make(array(u8, 80));
      for (const [i, byte] of bytes.entries()) buffer[i] = byte;
      return channels.board.sendToEnd(wireOf(from), 3 + to, buffer, bytes.length);
    },
    take(guest: number): readonly number[] | undefined {
      const waiting = channels.board.waitingMessage(wireOf(guest));
      const buffer = make(array(u8, 80));
      const length = channels.board.takeMessage(wireOf(guest), buffer);
      if (waiting !== length) throw new Error(`${waiting} bytes wait, and ${length} came`);
      return length === 0 ? undefined : Array.from({ length }, (_, i) => buffer[i]!);
    },
    reaches: (from: number, to: number): boolean => channels.board.reachesEnd(wireOf(from), 3 + to),
    /** Who has heard news since the last time. */
    news(): readonly number[] {
      channels.run();
      return heard.splice(0);
    },
    yields: (): number => yields,
  };
}

test.serial("a message reaches the end with that address, whole, and its device hears of it once", (t) => {
  const s = scene(3);
  t.is(s.channels.board.endAddress(20), 4);
  t.is(s.channels.board.endAddress(21), 0);
  t.is(s.send(0, 2, [1, 2, 3]), Sent.sent);
  t.true(s.yields() > 0);
  t.deepEqual(s.news(), [2]);
  t.deepEqual(s.news(), []);
  t.is(s.take(1), undefined);
  t.deepEqual(s.take(2), [1, 2, 3]);
  t.is(s.take(2), undefined);
});

test.serial(
  "there is nobody at an end's own address, at one that is not there, and where a guest does not run",
  (t) => {
    const s = scene(2);
    t.is(s.send(0, 0, [1]), Sent.nobody);
    t.is(s.send(0, 7, [1]), Sent.nobody);
    t.true(s.reaches(0, 1));
    s.domains[1].state = DomainState.stopped;
    t.false(s.reaches(0, 1));
    t.is(s.send(0, 1, [1]), Sent.nobody);
    s.domains[1].state = DomainState.running;
    t.is(s.send(0, 1, []), Sent.nobody);
    t.is(
      s.send(
        0,
        1,
        Array.from({ length: messageBytes + 1 }, () => 1),
      ),
      Sent.nobody,
    );
    t.is(
      s.send(
        0,
        1,
        Array.from({ length: messageBytes }, () => 1),
      ),
      Sent.sent,
    );
  },
);

test.serial(
  "a sender for whose message there is no room hears when there is, and takes nobody else's",
  (t) => {
    const s = scene(3);
    for (let i = 0; i < channelMessages; i++) t.is(s.send(0, 2, [i]), Sent.sent);
    t.is(s.send(0, 2, [99]), Sent.noRoom);
    t.is(s.send(1, 2, [100]), Sent.sent);
    t.deepEqual(s.news(), [2]);
    s.take(2);
    s.take(2);
    t.deepEqual(s.news(), [0]);
    s.take(2);
    t.deepEqual(s.news(), []);
  },
);

test.serial("what waits for a guest that starts again is forgotten, and the others hear of it", (t) => {
  const s = scene(3);
  s.send(0, 2, [1]);
  s.send(2, 1, [2]);
  s.news();
  s.channels.forget(2);
  t.deepEqual(s.news(), [0, 1, 2]);
  t.is(s.take(2), undefined);
  t.deepEqual(s.take(1), [2], "what it had sent is still there");
});

test.serial("a buffer without room takes nothing, and nothing is lost", (t) => {
  const s = scene(2);
  s.send(0, 1, [1, 2, 3]);
  t.is(s.channels.board.takeMessage(20, make(array(u8, 2))), 0);
  t.deepEqual(s.take(1), [1, 2, 3]);
});

test.serial(
  "whoever sends and takes when, no message is lost, doubled, changed, or out of its order",
  (t) => {
    const seed = Number(process.env["TYPEVISOR_SEED"] ?? 510);
    t.log(`TYPEVISOR_SEED=${seed}`);
    let random = seed;
    const below = (limit: number): number => {
      random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
      return (random >>> 8) % limit;
    };
    const guests = 4;
    const s = scene(guests);
    const expected = Array.from({ length: guests * guests }, (): number[][] => []);
    const refused = new Set<number>();
    for (let step = 0; step < 20_000; step++) {
      const [a, b] = [below(guests), below(guests)];
      if (below(2) === 0) {
        if (a === b) continue;
        const lane = expected[a * guests + b]!;
        const message = [a, ...Array.from({ length: below(messageBytes - 1) }, () => below(256))];
        const result = s.send(a, b, message);
        t.is(result, lane.length < channelMessages ? Sent.sent : Sent.noRoom);
        if (result === Sent.sent) lane.push(message);
        else refused.add(a);
      } else {
        const message = s.take(b);
        if (message === undefined) t.true(expected.every((lane, i) => i % guests !== b || lane.length === 0));
        else t.deepEqual(message, expected[message[0]! * guests + b]!.shift());
      }
      if (below(50) === 0) {
        const heard = s.news();
        for (const sender of heard) refused.delete(sender);
      }
    }
    for (let b = 0; b < guests; b++) while (s.take(b) !== undefined);
    for (const sender of s.news()) refused.delete(sender);
    t.deepEqual([...refused], [], "every sender that was refused has heard of room");
  },
);

test.serial("a prompt has an end of its own, which its device reaches and nobody else does", (t) => {
  const s = scene(2, ["observe"]);
  const { prompts } = s.channels;
  t.deepEqual(prompts?.permits, [["observe"]]);
  const buffer = make(array(u8, 80));
  const last = buffer.length - 1;
  buffer[0] = 7;
  t.true(s.channels.board.reachesEnd(10, 2));
  t.false(s.channels.board.reachesEnd(20, 2));
  for (let i = 0; i < channelMessages; i++) t.is(s.channels.board.sendToEnd(10, 2, buffer, 1), Sent.sent);
  t.is(s.channels.board.sendToEnd(10, 2, buffer, 1), Sent.noRoom);
  t.deepEqual(s.news(), []);
  t.is(prompts?.take(0, buffer), 1);
  t.is(buffer[0], 7);
  t.deepEqual(s.news(), [0], "there is room again");
  t.true(prompts?.send(0, buffer, 3));
  t.false(prompts?.send(0, buffer, last + 1), "too long");
  t.deepEqual(s.news(), [0]);
  t.is(s.channels.board.takeMessage(10, buffer), 3);
  s.domains[0].state = DomainState.paused;
  t.true(prompts?.isThere(0));
  t.false(prompts?.send(0, buffer, 3), "a guest that is paused takes nothing");
  s.domains[0].state = DomainState.stopped;
  t.false(prompts?.isThere(0));
});
