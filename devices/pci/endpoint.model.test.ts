import test from "ava";
import { bits, device, ro } from "../../dsl/device/vocabulary.ts";
import { attach, type Attached } from "../../dsl/testing/attach.ts";
import { FakeBoard } from "../../dsl/testing/fake-board.ts";
import { capabilityChain } from "./capability.ts";
import { endpoint, plainEndpoint } from "./endpoint.ts";
import { place, sample } from "./testing/endpoint.ts";

type Guest = Attached<unknown>;
const plain = (): Guest => attach(sample as never, new FakeBoard(), { configuration: place });
const get = (guest: Guest, offset: number, width: 1 | 2 | 4 = 4): number =>
  guest.readAt("configuration", offset, width);
const set = (guest: Guest, offset: number, width: 1 | 2 | 4, value: number): void =>
  guest.writeAt("configuration", offset, width, value);

/** Memory decoding and bus mastering, and MSI-X with a message for each vector, all unmasked. */
function enabled(): Guest {
  const guest = plain();
  set(guest, 0x04, 2, 0x6);
  for (let i = 0; i < 3; i++) {
    guest.write("vectorAddress", 0xfee0_0000 + (i + 1) * 0x1000, i);
    guest.write("vectorData", 0x40 + i, i);
    guest.write("vectorControl", 0, i);
  }
  set(guest, 0x42, 2, 0x8000);
  return guest;
}
const kick = (guest: Guest, vector: number): void => guest.write("kick", vector);

test("the chain of capabilities leads from MSI-X through all of them to its end", (t) => {
  const guest = plain();
  t.is(get(guest, 0x06, 2) & 0x10, 0x10);
  const ids: [number, number][] = [];
  for (let at = get(guest, 0x34, 1); at !== 0 && ids.length < 48; at = get(guest, at + 1, 1)) {
    ids.push([at, get(guest, at, 1)]);
  }
  t.deepEqual(ids, [
    [0x40, 0x11],
    [0x4c, 9],
    [0x58, 9],
  ]);
  t.is(get(guest, 0x50), 0x1234_5678);
  t.is(get(guest, 0x42, 2) & 0x7ff, 2);
  t.is(get(guest, 0x44), 0x1000);
  t.is(get(guest, 0x48), 0x1800);
});

test("base addresses start where firmware would have put them, tell their size, and keep an address", (t) => {
  const guest = plain();
  t.is(get(guest, 0x10), 0xc000_0000);
  t.is(get(guest, 0x18), 0xc010_000c);
  t.is(get(guest, 0x1c), 0);
  for (const at of [0x10, 0x18, 0x1c]) set(guest, at, 4, 0xffff_ffff);
  t.is(get(guest, 0x10), 0xffff_e000);
  t.is(get(guest, 0x14), 0);
  t.is(get(guest, 0x18), 0xfff0_000c);
  t.is(get(guest, 0x1c), 0xffff_ffff);
  set(guest, 0x10, 4, 0xd123_5678);
  t.is(get(guest, 0x10), 0xd123_4000);
});

test("windows lie behind their base addresses while memory is decoded", (t) => {
  const guest = plain();
  const { control, wide, vectors } = sample.windows;
  const state = guest.u as never;
  t.false(control.movable!.enabled(state));
  set(guest, 4, 2, 2);
  t.true(control.movable!.enabled(state));
  t.is(control.movable!.base(state), 0xc000_0000n);
  t.is(vectors.movable!.base(state), 0xc000_1000n);
  set(guest, 0x1c, 4, 0x12);
  t.is(wide.movable!.base(state), 0x12_c018_0000n);
});

test("a vector that is asked for is sent where its entry says", (t) => {
  const guest = enabled();
  kick(guest, 1);
  kick(guest, 0);
  t.deepEqual(guest.messages("messages"), [
    { destination: 2, command: 0x41 },
    { destination: 1, command: 0x40 },
  ]);
  // Logical destination, lowest priority, level.
  guest.write("vectorAddress", 0xfee0_f004, 2);
  guest.write("vectorData", 0xffff_c1b0, 2);
  kick(guest, 2);
  t.deepEqual(guest.messages("messages")[2], { destination: 0x0f, command: 0xc9b0 });
});

test("a masked vector waits, shows as pending, and is sent once when it is unmasked", (t) => {
  const guest = enabled();
  guest.write("vectorControl", 1, 1);
  kick(guest, 1);
  kick(guest, 1);
  t.is(guest.read("pendingVectors"), 2);
  guest.write("pendingVectors" as never, 0);
  t.is(guest.read("pendingVectors"), 2);
  t.is(guest.messages("messages").length, 0);
  guest.write("vectorControl", 0, 1);
  t.is(guest.messages("messages").length, 1);
  t.is(guest.read("pendingVectors"), 0);
  set(guest, 0x42, 2, 0xc000);
  kick(guest, 0);
  kick(guest, 2);
  t.is(guest.read("pendingVectors"), 5);
  set(guest, 0x42, 2, 0x8000);
  t.is(guest.messages("messages").length, 3);
});

test("nothing is sent without MSI-X, without bus mastering, for a vector that is not there, or to other addresses", (t) => {
  const guest = enabled();
  kick(guest, 3);
  kick(guest, 0xffff);
  guest.write("vectorAddress", 0x1000_0000, 0);
  kick(guest, 0);
  guest.write("vectorAddressHigh", 1, 1);
  kick(guest, 1);
  set(guest, 0x42, 2, 0);
  kick(guest, 2);
  t.is(guest.read("pendingVectors"), 0);
  set(guest, 0x42, 2, 0x8000);
  set(guest, 4, 2, 2);
  kick(guest, 2);
  t.deepEqual(guest.messages("messages"), []);
  t.is(guest.read("pendingVectors"), 4, "kept until the function is a bus master");
  set(guest, 4, 2, 6);
  t.is(guest.messages("messages").length, 1);
});

test("while MSI-X is off the function asks at its pin, as its state and the command register say", (t) => {
  const guest = plain();
  t.is(get(guest, 0x3c, 2), 0x0100, "INTA#, and no line until firmware or the system says so");
  guest.write("asks", 1);
  t.true(guest.line("intx"), "whether or not it is a bus master");
  t.is(get(guest, 0x06, 2) & 8, 8);
  set(guest, 4, 2, 0x400);
  t.false(guest.line("intx"), "switched off");
  t.is(get(guest, 0x06, 2) & 8, 8, "the status still tells");
  set(guest, 0x06, 2, 0);
  t.is(get(guest, 0x06, 2) & 8, 8, "and cannot be written");
  set(guest, 4, 2, 0);
  t.true(guest.line("intx"));
  set(guest, 0x42, 2, 0x8000);
  t.false(guest.line("intx"), "a function that may send messages leaves its pin alone");
  t.is(get(guest, 0x06, 2) & 8, 0);
  set(guest, 0x42, 2, 0);
  t.true(guest.line("intx"));
  guest.write("asks", 0);
  t.false(guest.line("intx"));
  t.is(get(guest, 0x06, 2) & 8, 0);
  t.deepEqual(guest.messages("messages"), []);
});

test("what lies behind a base address is reached through an aperture, which keeps what passed", (t) => {
  const guest = plain();
  const aim = (bar: number, offset: number, length: number): void => {
    set(guest, 0x5c, 1, bar);
    set(guest, 0x60, 4, offset);
    set(guest, 0x64, 4, length);
  };
  aim(0, 4, 4);
  set(guest, 0x68, 4, 0x1122_3344);
  t.is(guest.read("kept"), 0x1122_3344, "without memory decoding");
  aim(0, 6, 2);
  t.is(get(guest, 0x68, 2), 0x1122);
  t.is(get(guest, 0x68), 0x1122_1122, "bytes behind the access stay");
  aim(0, 5, 1);
  set(guest, 0x68, 4, 0xffff_ffaa);
  t.is(guest.read("kept"), 0x1122_aa44);
  aim(2, 0x8_0000, 4);
  set(guest, 0x68, 4, 7);
  t.is(guest.read("far"), 7);
  // What asks at the pin settles behind it.
  aim(0, 8, 4);
  set(guest, 0x68, 4, 1);
  t.true(guest.line("intx"));
});

test("an aperture that is aimed at nothing reads ones, and takes no writes", (t) => {
  const guest = plain();
  guest.write("kept", 0x1234_5678);
  const before = guest.snapshot();
  for (const [bar, offset, length] of [
    ...[0, 3, 5, 8, 0xffff_ffff].map((length) => [0, 4, length] as const),
    ...[1, 3, 5, 6, 7].map((offset) => [0, offset, 4] as const),
    ...[1, 3, 0xff].map((bar) => [bar, 4, 4] as const),
    ...[0x2000, 0x1_0000, 0xffff_fffc, 12, 0x1fffe].map((offset) => [0, offset, 4] as const),
    [2, 4, 4],
    [2, 0x8_1000, 4],
  ] as const) {
    set(guest, 0x5c, 1, bar);
    set(guest, 0x60, 4, offset);
    set(guest, 0x64, 4, length);
    set(guest, 0x68, 4, 0);
    t.is(get(guest, 0x68), 0xffff_ffff, `${length} bytes at ${offset} behind ${bar}`);
    for (const at of [0x5c, 0x60, 0x64, 0x68]) set(guest, at, 4, 0);
    t.deepEqual(guest.snapshot(), before);
  }
});

test("the pin is the declared one, and a plain function has none unless it is said", (t) => {
  const options = { vendorId: 1, deviceId: 1, classCode: 0, bars: [] } as const;
  const pinOf = (made: ReturnType<typeof plainEndpoint>): number =>
    attach(device("pin-of", { banks: made.banks, state: made.state }).implement({}), new FakeBoard(), {
      configuration: place,
    }).readAt("configuration", 0x3d, 1);
  t.is(pinOf(plainEndpoint(options)), 0);
  t.is(pinOf(plainEndpoint({ ...options, pin: "C" })), 3);
});

test("what cannot be a function is refused", (t) => {
  const good = {
    vendorId: 1,
    deviceId: 1,
    classCode: 0,
    bars: [{ index: 0, bytes: 0x1000, gpa: 0xc000_0000 }],
    vectors: 1,
    msix: { bar: 0, table: 0, pending: 0x800 },
  } as const;
  t.notThrows(() => endpoint(good));
  t.throws(() => endpoint({ ...good, vectors: 33 }), { message: /1 to 32 MSI-X vectors, not 33/ });
  t.throws(() => endpoint({ ...good, msix: { ...good.msix, table: 0x1000 } }), {
    message: /do not lie behind base address 0/,
  });
  t.throws(() => endpoint({ ...good, bars: [{ index: 0, bytes: 0x1800, gpa: 0 }] }), {
    message: /no power of two/,
  });
  t.throws(() => endpoint({ ...good, bars: [{ index: 0, bytes: 0x1000, gpa: 0x800 }] }), {
    message: /no multiple of 4096 bytes/,
  });
  const long = (name: string) => ({ name, id: 9, sizeBytes: 0x70 });
  t.throws(() => capabilityChain([long("a"), long("b")], 0x40), { message: /capability b ends at 0x120/ });
  const twice = { x: ro(4, { all: bits(31, 0) }) };
  t.throws(
    () =>
      capabilityChain(
        [
          { name: "a", id: 9, sizeBytes: 8, registers: twice },
          { name: "b", id: 9, sizeBytes: 8, registers: twice },
        ],
        0x40,
      ),
    { message: /two capability registers are called x/ },
  );
});
