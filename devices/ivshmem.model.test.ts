import test from "ava";
import { attach, type Attached } from "../dsl/testing/attach.ts";
import { FakeBoard } from "../dsl/testing/fake-board.ts";
import { guest, image, kib, linux, mib, payload, sharedMemory } from "../dsl/image.ts";
import { ivshmem } from "./ivshmem.ts";
import { q35 } from "./q35.ts";
import { place, shared } from "./testing/ivshmem.ts";

type Guest = Attached<unknown>;
const plain = (): Guest => attach(shared as never, new FakeBoard(), { configuration: place });
const set = (guest: Guest, offset: number, width: 1 | 2 | 4, value: number): void =>
  guest.writeAt("configuration", offset, width, value);
/** Where the guest sees the memory; undefined where it is away. */
const memoryOf = (guest: Guest): bigint | undefined => [...guest.board.shared.values()][0];

test("the memory lies at its base address while memory is decoded, and moves with it", (t) => {
  const guest = plain();
  t.is(guest.readAt("configuration", 0x18, 4), 0xc010_000c);
  t.is(memoryOf(guest), undefined);
  set(guest, 4, 2, 2);
  t.is(memoryOf(guest), 0xc010_0000n);
  set(guest, 0x18, 4, 0xd123_4567);
  t.is(memoryOf(guest), 0xd120_0000n, "at multiples of its size");
  set(guest, 0x1c, 4, 0x12);
  t.is(memoryOf(guest), 0x12_d120_0000n);
  set(guest, 4, 2, 0);
  t.is(memoryOf(guest), undefined);
  set(guest, 0x18, 4, 0xffff_ffff);
  t.is(guest.readAt("configuration", 0x18, 4), 0xfff0_000c, "a mebibyte");
  set(guest, 0x18, 4, 0xc010_0000);
  set(guest, 0x1c, 4, 0);
  set(guest, 4, 2, 2);
  t.is(memoryOf(guest), 0xc010_0000n);
  guest.reset();
  t.is(memoryOf(guest), undefined);
});

test("writing what is there already does not lay the memory anew", (t) => {
  const guest = plain();
  set(guest, 4, 2, 2);
  guest.board.shared.clear();
  set(guest, 4, 2, 6);
  set(guest, 0x18, 4, 0xc01f_ffff);
  t.is(memoryOf(guest), undefined);
});

test("a doorbell rings the vector of the peer that is written, and one of nobody is counted", (t) => {
  const guest = plain();
  guest.board.peers.push(1, 3);
  guest.write("doorbell", 0x0001_0002);
  guest.write("doorbell", 0);
  t.deepEqual(guest.board.rung, [
    { peer: 1, bell: 2 },
    { peer: 0, bell: 0 },
  ]);
  t.deepEqual(guest.reported(), []);
  for (const value of [0x0001_0003, 1, 0x0002_0000, 0xffff_ffff]) guest.write("doorbell", value);
  t.is(guest.board.rung.length, 2);
  t.deepEqual(guest.reported(), ["knownPeer"], "told once");
});

test("a bell of this guest is a message of its vector, once MSI-X is on and it is unmasked", (t) => {
  const guest = plain();
  const ring = (pin: number): void => {
    guest.input("bells", pin, true);
    guest.input("bells", pin, false);
  };
  set(guest, 4, 2, 6);
  ring(1);
  t.is(guest.read("pendingVectors"), 0, "without MSI-X it is no message");
  set(guest, 0x42, 2, 0x8000);
  for (const vector of [0, 1, 2]) {
    guest.write("vectorAddress", 0xfee0_0000, vector);
    guest.write("vectorData", 0x40 + vector, vector);
  }
  guest.write("vectorControl", 0, 2);
  ring(2);
  ring(1);
  t.deepEqual(guest.messages("messages"), [{ destination: 0, command: 0x42 }]);
  t.is(guest.read("pendingVectors"), 2);
  guest.write("vectorControl", 0, 1);
  t.is(guest.messages("messages").length, 2);
  t.false(guest.line("intx"));
});

/** A function that asks at its pin, and what its driver sees of it. */
const ringing = () => {
  const guest = plain();
  set(guest, 4, 2, 2);
  const ring = (): void => {
    guest.input("bells", 2, true);
    guest.input("bells", 2, false);
  };
  /** PCI's own status bit, which `uio_pci_generic` looks at. */
  const tells = (): boolean => (guest.readAt("configuration", 6, 2) & 8) !== 0;
  return { guest, ring, tells };
};

test("without MSI-X a bell sets the interrupt status, and asserts INTA# where the mask lets it", (t) => {
  const { guest, ring, tells } = ringing();
  t.is(guest.readAt("configuration", 0x3d, 1), 1, "INTA#");
  ring();
  t.false(guest.line("intx"), "masked at first");
  t.false(tells());
  guest.write("interruptMask", 0xffff_ffff);
  t.is(guest.read("interruptMask"), 1, "the other bits are reserved");
  t.true(guest.line("intx"), "what was rung before is not lost");
  t.true(tells());
  guest.write("interruptMask", 0);
  t.false(guest.line("intx"));
});

test("a read of the interrupt status clears it and takes INTA# back; a write sets it or clears it", (t) => {
  const { guest, ring, tells } = ringing();
  guest.write("interruptMask", 1);
  ring();
  t.is(guest.read("interruptStatus"), 1);
  t.is(guest.read("interruptStatus"), 0);
  t.false(guest.line("intx"));
  t.false(tells());
  ring();
  t.true(guest.line("intx"));
  guest.write("interruptStatus", 0xffff_fffe);
  t.false(guest.line("intx"));
  guest.write("interruptStatus", 1);
  t.true(guest.line("intx"));
  guest.reset();
  t.false(guest.line("intx"));
  t.is(guest.read("interruptMask"), 0);
});

test("a driver that switches INTA# off is still told, and asked once it is on again", (t) => {
  const { guest, ring, tells } = ringing();
  guest.write("interruptMask", 1);
  ring();
  set(guest, 4, 2, 0x402);
  t.false(guest.line("intx"));
  t.true(tells());
  set(guest, 4, 2, 2);
  t.true(guest.line("intx"));
});

test("with MSI-X on the pin is silent, and a bell leaves the interrupt status", (t) => {
  const { guest, ring, tells } = ringing();
  guest.write("interruptMask", 1);
  set(guest, 0x42, 2, 0x8000);
  ring();
  t.is(guest.read("pendingVectors"), 4);
  t.is(guest.read("interruptStatus"), 0);
  guest.write("interruptStatus", 1);
  t.false(guest.line("intx"));
  t.false(tells());
  set(guest, 0x42, 2, 0);
  t.true(guest.line("intx"), "asked for and not taken");
});

test("the position is the guest's number, and what lies behind the registers is zero", (t) => {
  const guest = plain();
  t.is(guest.read("position"), 0);
  t.is(guest.readAt("registers", 0x10, 4), 0);
});

test("peers are numbered in the order of the guests and of their devices", (t) => {
  const [one, two] = [
    sharedMemory({ name: "one", size: mib(1) }),
    sharedMemory({ name: "two", size: kib(4) }),
  ];
  const having = (name: "a" | "b" | "c", ...devices: ReturnType<typeof ivshmem>[]) =>
    guest({
      ...{ name, memory: mib(64), vcpus: 1 },
      kernel: linux({ kernel: payload("vmlinuz") }),
      devices: [q35(), ...devices],
    });
  const { model } = image({
    name: "sample",
    guests: [
      having("a", ivshmem({ memory: one })),
      having("b"),
      having("c", ivshmem({ name: "x", memory: two }), ivshmem({ name: "y", memory: one, vectors: 4 })),
    ],
  });
  t.deepEqual(
    model.sharedMemories.map(({ name, sizeBytes, peers }) => [
      name,
      sizeBytes,
      peers.map((p) => [p.guest, p.device]),
    ]),
    [
      [
        "one",
        2 ** 20,
        [
          [0, "ivshmem"],
          [2, "y"],
        ],
      ],
      ["two", 2 ** 12, [[2, "x"]]],
    ],
  );
});
