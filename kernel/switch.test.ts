import test from "ava";
import type { FixedArray } from "../dsl/core/layout.ts";
import { ageingNs, makeSwitch, Urgency, type Switch, type SwitchPort } from "./switch.ts";

const second = 1_000_000_000n;
/** Addresses of ports 0 to 3: the first byte says that they are local, the last is their number. */
const address = (n: number): number[] => [0x02, 0, 0, 0, 0, n];
const asNumber = (bytes: readonly number[]): bigint =>
  bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
const broadcast = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff];

const port = (n: number, more: Partial<SwitchPort> = {}): SwitchPort => ({
  network: 0,
  address: asNumber(address(n)),
  rateBytes: null,
  burstBytes: 0,
  ...more,
});

/** A frame with a marker behind its header. */
const frame = (to: readonly number[], from: readonly number[], marker = 0, length = 60): number[] => [
  ...to,
  ...from,
  0x08,
  0x00,
  ...Array.from({ length: length - 14 }, (_, i) => (marker + i) & 0xff),
];

/** A switch in the hands of a test. */
class Hands {
  readonly between: Switch;
  now = 1n;
  constructor(ports: readonly SwitchPort[]) {
    this.between = makeSwitch(ports);
  }
  send(from: number, bytes: readonly number[]): boolean {
    bytes.slice(0, 1536).forEach((byte, i) => ((this.between.outgoing() as FixedArray<number>)[i] = byte));
    return this.between.send(from, bytes.length, this.now);
  }
  /** Everything that waits at a port. */
  take(at: number): number[][] {
    const frames: number[][] = [];
    while (this.between.count(at) > 0) {
      const length = this.between.waiting(at);
      const bytes = this.between.first(at);
      frames.push(Array.from({ length }, (_, i) => bytes[i]!));
      this.between.drop(at);
    }
    return frames;
  }
}

test("a frame goes to the port whose address it bears, and nowhere else", (t) => {
  const hands = new Hands([port(0), port(1), port(2)]);
  const sent = frame(address(2), address(0), 7, 333);
  t.true(hands.send(0, sent));
  t.deepEqual([hands.take(0), hands.take(1), hands.take(2)], [[], [], [sent]]);
});

test("a group's frames, and those to a station that nobody knows, go to every other port", (t) => {
  const hands = new Hands([port(0), port(1), port(2)]);
  for (const to of [broadcast, [0x01, 0, 0x5e, 0, 0, 1], [2, 9, 9, 9, 9, 9]]) {
    const sent = frame(to, address(1));
    t.true(hands.send(1, sent));
    t.deepEqual([hands.take(0), hands.take(1), hands.take(2)], [[sent], [], [sent]]);
  }
});

test("networks do not hear of each other, also where addresses are the same", (t) => {
  const hands = new Hands([
    port(0),
    port(1),
    port(2, { network: 1, address: asNumber(address(0)) }),
    port(3, { network: 1 }),
  ]);
  hands.send(2, frame(broadcast, address(0)));
  hands.send(3, frame(address(1), address(3)));
  t.deepEqual(
    [hands.take(0).length, hands.take(1).length, hands.take(2).length, hands.take(3).length],
    [0, 0, 1, 1],
  );
});

test("a station behind a port is learned, moves, and is forgotten", (t) => {
  const hands = new Hands([port(0), port(1), port(2)]);
  const station = [2, 0, 0, 0, 1, 0x77];
  const where = (): number[] => {
    hands.send(0, frame(station, address(0)));
    return [1, 2].filter((n) => hands.take(n).length > 0);
  };
  t.deepEqual(where(), [1, 2], "not known yet");
  hands.send(1, frame(address(0), station));
  t.deepEqual(where(), [1]);
  hands.send(2, frame(address(0), station));
  t.deepEqual(where(), [2], "it has moved");
  hands.now += ageingNs - 1n;
  t.deepEqual(where(), [2]);
  hands.now += 1n;
  t.deepEqual(where(), [1, 2], "forgotten");
});

test("a guest that pretends to be thousands of stations pushes out only its own", (t) => {
  const hands = new Hands([port(0), port(1), port(2)]);
  const station = [2, 0, 0, 0, 1, 0x77];
  hands.send(1, frame(address(0), station));
  for (let i = 0; i < 5000; i++) {
    hands.send(2, frame(address(0), [2, 1, 1, 1, i >> 8, i & 0xff]));
    hands.take(0);
  }
  hands.send(0, frame(station, address(0)));
  t.deepEqual([hands.take(1).length, hands.take(2).length], [1, 0]);
});

test("what bears another port's address, a group's or none as its sender is refused and counted", (t) => {
  const hands = new Hands([port(0), port(1), port(2)]);
  for (const from of [address(0), broadcast, [0, 0, 0, 0, 0, 0]])
    t.false(hands.send(1, frame(address(2), from)));
  t.is(hands.between.counters[1]!.refused, 3n);
  t.deepEqual(hands.take(2), []);
  hands.send(2, frame(address(0), address(2)));
  t.is(hands.take(0).length, 1, "and the address stays where it was");
});

test("a frame has 14 to 1514 bytes, and four more with a tag", (t) => {
  const hands = new Hands([port(0), port(1)]);
  const sized = (length: number, type = [8, 0]): boolean => {
    const bytes = frame(address(1), address(0), 0, length);
    bytes.splice(12, 2, ...type);
    return hands.send(0, bytes.slice(0, length));
  };
  t.deepEqual(
    [0, 13, 14, 1514, 1515, 1518, 1519, 1536].map((length) => sized(length)),
    [false, false, true, true, false, false, false, false],
  );
  t.deepEqual(
    [1515, 1518, 1519].map((length) => sized(length, [0x81, 0])),
    [true, true, false],
  );
  t.true(sized(1518, [0x88, 0xa8]));
  t.is(hands.between.counters[0]!.refused, 7n);
});

test("frames to bridges, and back to the port that they came from, stay", (t) => {
  const hands = new Hands([port(0), port(1)]);
  for (let last = 0; last < 16; last++)
    t.true(hands.send(0, frame([0x01, 0x80, 0xc2, 0, 0, last], address(0))));
  t.true(hands.send(0, frame(address(0), address(0))));
  t.deepEqual([hands.take(0), hands.take(1)], [[], []]);
  hands.send(0, frame([0x01, 0x80, 0xc2, 0, 0, 16], address(0)));
  t.is(hands.take(1).length, 1);
});

test("a port that takes nothing loses what is more than 64 frames, and nobody else does", (t) => {
  const hands = new Hands([port(0), port(1), port(2)]);
  for (let i = 0; i < 200; i++) {
    t.true(hands.send(0, frame(broadcast, address(0), i)));
    t.is(hands.take(2)[0]![14], i & 0xff);
  }
  t.is(hands.between.counters[1]!.lost, 136n);
  t.deepEqual(
    hands.take(1).map((bytes) => bytes[14]),
    Array.from({ length: 64 }, (_, i) => i),
  );
});

test("a port at a limited rate sends its burst, then waits for as long as its bytes take", (t) => {
  const hands = new Hands([port(0, { rateBytes: 1000, burstBytes: 2000 }), port(1)]);
  const delays: bigint[] = [];
  for (let i = 0; i < 5; i++) {
    delays.push(hands.between.delayNs(0, hands.now));
    hands.send(0, frame(address(1), address(0), 0, 1000));
  }
  // The burst, one frame that starts within it, and what is owed then.
  t.deepEqual(delays, [0n, 0n, 0n, second, 2n * second]);
  hands.now += 3n * second;
  t.is(hands.between.delayNs(0, hands.now), 0n);
  hands.now += 1000n * second;
  t.is(hands.between.delayNs(0, hands.now), 0n);
  t.is(hands.between.delayNs(1, hands.now), 0n);
  hands.send(0, frame(address(1), address(0), 0, 1000));
  hands.send(0, frame(address(1), address(0), 0, 1000));
  hands.send(0, frame(address(1), address(0), 0, 1000));
  t.is(hands.between.delayNs(0, hands.now), second, "a long pause saves up no more than the burst");
});

test("what comes to a port is to be given soon, and at once where half of the room is taken", (t) => {
  const hands = new Hands([port(0), port(1)]);
  t.is(hands.between.urgency(), Urgency.none);
  hands.send(0, frame(address(1), address(0)));
  t.is(hands.between.urgency(), Urgency.soon);
  t.is(hands.between.urgency(), Urgency.none);
  for (let i = 0; i < 31; i++) hands.send(0, frame(address(1), address(0)));
  t.is(hands.between.urgency(), Urgency.none, "it is known");
  hands.send(0, frame(address(1), address(0)));
  t.is(hands.between.urgency(), Urgency.now);
  t.true(hands.between.hasNews(1));
  t.false(hands.between.hasNews(1));
  hands.take(1);
  hands.send(0, frame(address(1), address(0)));
  t.is(hands.between.urgency(), Urgency.soon);
});

test("whatever is sent and taken, no frame is lost, doubled, changed, or out of its order", (t) => {
  const seed = Number(process.env["TYPEVISOR_SEED"] ?? 8021);
  t.log(`TYPEVISOR_SEED=${seed}`);
  let random = seed;
  const below = (limit: number): number => {
    random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
    return (random >>> 8) % limit;
  };
  const ports = [0, 1, 2, 3, 4].map((n) => port(n, { network: n < 3 ? 0 : 1 }));
  const hands = new Hands(ports);
  const expected: number[][][] = ports.map(() => []);
  const lost = ports.map(() => 0n);
  for (let step = 0; step < 6000; step++) {
    const at = below(5);
    if (below(3) === 0) {
      const count = Math.min(below(20), hands.between.count(at));
      for (let i = 0; i < count; i++) {
        const length = hands.between.waiting(at);
        const bytes = hands.between.first(at);
        t.deepEqual(
          Array.from({ length }, (_, k) => bytes[k]),
          expected[at]!.shift(),
        );
        hands.between.drop(at);
      }
      continue;
    }
    const to = below(4) === 0 ? broadcast : address(below(6));
    const sent = frame(to, address(at), step, 14 + below(80));
    t.true(hands.send(at, sent));
    const peers = ports.flatMap((p, n) => (n !== at && p.network === ports[at]!.network ? [n] : []));
    const owner = peers.filter((n) => to === broadcast || to[5] === n);
    // Addresses of the other network, and of no port, are unknown here.
    const unknown = to !== broadcast && to[5] !== at && owner.length === 0;
    for (const n of unknown ? peers : owner) {
      if (expected[n]!.length < 64) expected[n]!.push(sent);
      else lost[n]! += 1n;
    }
  }
  ports.forEach((_, n) => {
    t.is(hands.between.counters[n]!.lost, lost[n]);
    t.deepEqual(hands.take(n), expected[n]);
  });
});
