import test from "ava";
import { provide } from "../dsl/core/binding.ts";
import { array, make } from "../dsl/core/layout.ts";
import { instantiate, type Instance } from "../dsl/device/instance.ts";
import { bank, device, inputs, rw, sharedMemory, u8 } from "../dsl/device/vocabulary.ts";
import type { PlacedInstance } from "./board.ts";
import { Domain, DomainState, StopReason } from "./domain.ts";
import { sharedMemories } from "./shared-memory.ts";
import { addExtent, addSlot, resolve, sharedOwner, SlotKind } from "./slots.ts";
import { virtualization, type Virtualization } from "./virtualization.ts";

const mib = 2 ** 20;
const ram = BigInt(64 * mib);
const hpa = 0x8000_0000n;
/** Addresses that lead to memory as devices lay it. */
const window = { gpa: 0xc000_0000, sizeBytes: 0x1000_0000 };

/** Hears its bells. */
const end = device("shared-test-end", {
  banks: { ports: bank(u8, { heard: rw(0) }) },
  state: { memory: sharedMemory(), bells: inputs(3) },
}).implement({
  input: {
    bells(u, pin, level) {
      if (level) u.heard.value = u8(u.heard.value | (1 << (pin & 7)));
    },
  },
});

/** Two guests with an end of `wide`, of which the second has one of `narrow` too. Wires are 4, 5 and 6. */
function scene(ok = true) {
  const domains = make(array(Domain, 2));
  const remapped: bigint[] = [];
  provide(virtualization, {
    remapPage: (_domain, gpa) => {
      remapped.push(gpa);
      return ok;
    },
  } as Partial<Virtualization> as Virtualization);
  const placed = [
    ["a", 0, 4],
    ["b", 1, 5],
    ["c", 1, 6],
  ].map(([name, guest, firstWire]) => ({
    instance: instantiate(end, name as string, { at: { ports: 0 } }) as unknown as Instance,
    guest,
    firstWire,
    state: make(end.state),
  })) as unknown as readonly PlacedInstance[];
  const rung: number[] = [];
  const shared = sharedMemories(
    [
      { name: "narrow", sizeBytes: 0x2000, peers: [{ guest: 1, device: "c", window }] },
      {
        name: "wide",
        sizeBytes: 4 * mib,
        peers: [
          { guest: 0, device: "a", window },
          { guest: 1, device: "b", window },
        ],
      },
    ],
    placed,
    domains,
    (bell) => rung.push(bell),
  );
  return { domains, remapped, placed, rung, shared };
}

/** The same with host memory at `hpa` and domains that run. */
function started(ok = true) {
  const all = scene(ok);
  all.shared.give(hpa);
  for (const index of [0, 1]) {
    const domain = all.domains[index];
    domain.index = index;
    domain.state = DomainState.running;
    addExtent(domain.slots, index, 0x4000_0000n + BigInt(index) * ram, ram);
    addSlot(domain.slots, SlotKind.ram, 0, 0n, ram, 0n);
    all.shared.addTo(domain);
  }
  return all;
}
const heard = ({ state }: PlacedInstance): number => (state as { heard: { value: number } }).heard.value;

test("the memories take whole large pages of the host, the larger ones first", (t) => {
  const { shared, domains } = started();
  t.is(shared.bytes, 6 * mib);
  shared.board.placeShared(6, 0xc000_0000n);
  t.is(resolve(domains[1].slots, 0xc000_0000n).hpa, hpa + BigInt(4 * mib));
});

test("both guests find one memory where each has laid it, and own nothing of it", (t) => {
  const { shared, domains, remapped } = started();
  t.is(resolve(domains[0].slots, 0xc040_0000n).bytes, 0n, "nowhere at first");
  shared.board.placeShared(4, 0xc040_0000n);
  shared.board.placeShared(5, 0xc080_0000n);
  t.deepEqual(remapped, [0xc040_0000n, 0xc060_0000n, 0xc080_0000n, 0xc0a0_0000n]);
  const expected = { hpa: hpa + 0x12_3000n, kind: SlotKind.shared };
  t.like(resolve(domains[0].slots, 0xc052_3000n), expected);
  t.like(resolve(domains[1].slots, 0xc092_3000n), expected);
  t.is(resolve(domains[0].slots, 0xc080_0000n).bytes, 0n, "and not where the other has");
  t.is(domains[0].slots.extents[1].owner, sharedOwner);
  t.like(resolve(domains[0].slots, 0n), { bytes: ram });
});

test("memory that moves leaves where it was, and memory that is removed is nowhere", (t) => {
  const { shared, domains, remapped } = started();
  const at = (gpa: bigint): bigint => resolve(domains[1].slots, gpa).bytes;
  shared.board.placeShared(6, 0xc000_0000n);
  shared.board.placeShared(6, 0xc000_8000n);
  t.deepEqual([at(0xc000_0000n), at(0xc000_8000n)], [0n, 0x2000n]);
  shared.board.removeShared(6);
  shared.board.removeShared(6);
  t.is(at(0xc000_8000n), 0n);
  t.deepEqual(
    remapped,
    [0, 0x1000, 0, 0x1000, 0x8000, 0x9000, 0x8000, 0x9000].map((page) => 0xc000_0000n + BigInt(page)),
  );
});

test("outside of what the bridge passes on there is no memory", (t) => {
  const { shared, domains } = started();
  for (const gpa of [0n, 0xbfc0_0000n, 0xcfe0_0000n, 0xd000_0000n, 1n << 40n, 0xffff_ffff_ffc0_0000n]) {
    shared.board.placeShared(4, 0xc000_0000n);
    shared.board.placeShared(4, gpa);
    t.not(resolve(domains[0].slots, gpa).kind, SlotKind.shared, gpa.toString(16));
    t.is(resolve(domains[0].slots, 0xc000_0000n).bytes, 0n);
  }
  shared.board.placeShared(4, 0xcfc0_0000n);
  t.is(resolve(domains[0].slots, 0xcfc0_0000n).bytes, BigInt(4 * mib));
});

test("a guest whose memory cannot be mapped is stopped", (t) => {
  const { shared, domains } = started(false);
  shared.board.placeShared(4, 0xc000_0000n);
  t.is(domains[0].state, DomainState.crashed);
  t.is(domains[0].reason, StopReason.memoryAccess);
  t.is(domains[1].state, DomainState.running);
});

test("a bell is a pulse on the peer's pin, and there are those that were declared", (t) => {
  const { shared, placed, rung, domains } = started();
  const [a, b, c] = placed as [PlacedInstance, PlacedInstance, PlacedInstance];
  t.deepEqual([4, 5, 6].map(shared.board.sharedPosition), [0, 1, 0]);
  t.true(shared.board.ringPeer(4, 1, 2));
  t.is(heard(b), 0, "not before what rang it has finished");
  for (const [wire, peer, bell] of [
    [4, 2, 0],
    [4, 0xffff, 0],
    [4, 1, 3],
    [4, 1, 32],
    [6, 1, 0],
  ] as const)
    t.false(shared.board.ringPeer(wire, peer, bell), `${peer}, ${bell} from ${wire}`);
  t.true(shared.board.ringPeer(4, 0, 0), "its own");
  t.true(shared.board.ringPeer(6, 0, 1));
  rung.splice(0).forEach(shared.pulse);
  t.deepEqual([a, b, c].map(heard), [1, 4, 2]);
  domains[1].state = DomainState.stopped;
  t.true(shared.board.ringPeer(4, 1, 0));
  rung.splice(0).forEach(shared.pulse);
  t.is(heard(b), 4, "a guest that has ended hears nothing");
});

test("a device without an end or without pins for bells is refused when the image is built", (t) => {
  const domains = make(array(Domain, 1));
  const peers = [{ guest: 0, device: "missing", window }];
  t.throws(() => sharedMemories([{ name: "m", sizeBytes: 4096, peers }], [], domains, () => undefined), {
    message: /missing has no end for shared memory/,
  });
});
