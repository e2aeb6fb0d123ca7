import test from "ava";
import type { Aperture } from "./aperture.ts";
import { DeclarationError } from "./place.ts";
import {
  bank,
  bit,
  bits,
  constant,
  device,
  fifo,
  indirect,
  inputs,
  overlay,
  readToClear,
  repeat,
  reserved,
  ro,
  rw,
  selfClearing,
  source,
  timer,
  u16,
  u32,
  u64,
  u8,
  wo,
  writeOneToClear,
} from "./vocabulary.ts";

const aperture = (other: Partial<Aperture>): Aperture => ({
  ...{ data: "d", select: "d.bar", behind: { 0: "bar0" }, offset: "d", length: "d" },
  ...other,
});

type Banks = Parameters<typeof device>[1]["banks"];
const shape = (banks: Banks) => () => device("d", { banks });
const one = (registers: Parameters<typeof bank>[1], options = {}) =>
  shape({ b: bank(u8, registers as never, options) });

/** Declarations that must be refused: what is said, and how many places are named. */
const refused: readonly [string, () => unknown, RegExp, number][] = [
  ["two registers at one offset", one({ a: rw(3), b: rw(3) }), /register b overlaps a at offset 3/, 2],
  [
    "a read-only over a read-write register",
    one({ a: rw(3), b: ro(3) }),
    /register b overlaps a at offset 3/,
    2,
  ],
  [
    "a guarded register over an open one",
    shape({ b: bank(u8, { s: rw(0, { f: bit(0) }), a: rw(1) }).when("s.f", 1, { b: rw(1) }) }),
    /register b overlaps a at offset 1/,
    2,
  ],
  [
    "two registers in one guarded group",
    shape({
      b: bank(u8, { s: rw(0, { f: bit(0) }) })
        .when("s.f", 1, { a: rw(1), b: wo(1) })
        .when("s.f", 1, { c: wo(1) }),
    }),
    /register b overlaps a at offset 1/,
    2,
  ],
  [
    "groups that different fields select",
    shape({
      b: bank(u8, { s: rw(0, { f: bit(0), g: bit(1) }) })
        .when("s.f", 1, { a: rw(1) })
        .when("s.g", 0, { b: rw(1) }),
    }),
    /register b overlaps a at offset 1/,
    2,
  ],
  [
    "a wide register over its neighbour",
    one({ a: rw(0, {}, { width: u16 }), b: rw(1) }),
    /register b overlaps a at offset 1/,
    2,
  ],
  [
    "an array over its neighbour",
    one({ a: repeat(4, 2, rw(0)), b: rw(6) }),
    /register b overlaps a at offset 6/,
    2,
  ],
  [
    "an array over itself",
    one({ a: repeat(4, 1, rw(0, {}, { width: u16 })) }),
    /repeats every 1, and overlaps itself/,
    1,
  ],
  [
    "a hole in a dense bank",
    one({ a: rw(0), b: rw(2) }, { dense: true }),
    /declared dense and has no register at offset 1/,
    2,
  ],
  [
    "a register outside its bank",
    one({ a: rw(8) }, { size: 8 }),
    /register a ends at 9, outside d\.b of 8/,
    2,
  ],
  [
    "a register off its bank's grid",
    shape({ b: bank(u32, { a: rw(2) }) }),
    /register d\.a at offset 2 is not aligned to its bank's unit of 4 bytes/,
    2,
  ],
  [
    "a register narrower than its bank",
    shape({ b: bank(u32, { a: rw(0, {}, { width: u8 }) }) }),
    /has 8 bits, its bank's unit 32/,
    2,
  ],
  [
    "a field outside its register",
    one({ a: rw(0, { f: bits(8, 4) }) }),
    /field d\.a\.f \[8:4\] is outside its register of 8 bits/,
    2,
  ],
  [
    "two fields on one bit",
    one({ a: rw(0, { f: bits(4, 0), g: bit(4) }) }),
    /field d\.a\.g \[4:4\] overlaps f/,
    2,
  ],
  ["a field called value", one({ a: rw(0, { value: bit(4) }) }), /a\.value is the whole register/, 1],
  [
    "a reset value that does not fit",
    one({ a: rw(0, {}, { reset: 0x100 }) }),
    /the reset value 0x100 does not fit 8 bits/,
    1,
  ],
  ["a constant that does not fit", one({ a: rw(0, { f: constant(bits(1, 0), 4) }) }), /cannot read as 4/, 1],
  [
    "reserved bits that cannot read so",
    one({ a: rw(0, { f: reserved(1, 0, { reads: 9 }) }) }),
    /cannot read as 9/,
    1,
  ],
  [
    "write-one-to-clear in a read-only register",
    one({ a: ro(0, { f: writeOneToClear(bit(0)) }) }),
    /no guest can write/,
    2,
  ],
  [
    "self-clearing in a read-only register",
    one({ a: ro(0, { f: selfClearing(bit(0)) }) }),
    /no guest can write/,
    2,
  ],
  [
    "read-to-clear in a write-only register",
    one({ a: wo(0, { f: readToClear(bit(0)) }) }),
    /no guest can read/,
    2,
  ],
  [
    "a field of two kinds",
    () => writeOneToClear(constant(bit(0), 1)),
    /a constant field cannot also be writeOneToClear/,
    1,
  ],
  ["bits the wrong way round", () => bits(0, 3), /bits \[0:3\] are no bit range/, 0],
  ["a bit beyond 63", () => bit(64), /bits \[64:64\] are no bit range/, 0],
  ["a negative offset", () => rw(-1), /a whole number of at least 0, not -1/, 0],
  ["a stride that is no power of two", () => repeat(3, 12, rw(0)), /stride is a power of two, not 12/, 1],
  ["an array without elements", () => repeat(0, 4, rw(0)), /1 to 256 times, not 0/, 1],
  [
    "one name in two banks",
    shape({ b: bank(u8, { a: rw(0) }), c: bank(u8, { a: rw(0) }) }),
    /the name a is used for two registers/,
    2,
  ],
  [
    "a group that no field selects",
    () => bank(u8, { s: rw(0) }).when("s.f" as never, 1, { a: rw(1) }),
    /when\("s\.f"\): the bank has no field of that name/,
    0,
  ],
  [
    "a group for a value that the field never has",
    () => bank(u8, { s: rw(0, { f: bit(0) }) }).when("s.f", 2, { a: rw(1) }),
    /never have that value/,
    1,
  ],
  [
    "a group that an array selects",
    () => bank(u8, { s: repeat(2, 1, rw(0, { f: bit(0) })) }).when("s.f", 1, { a: rw(2) }),
    /a repeated register cannot select/,
    1,
  ],
  [
    "a group that a 64-bit register selects",
    shape({ b: bank(u64, { s: rw(0, { f: bit(0) }) }).when("s.f", 1, { a: rw(8) }) }),
    /selected by a register of 64 bits/,
    2,
  ],
  [
    "an indirect bank without its index",
    shape({
      b: bank(u8, { i: rw(0), d: rw(1) }),
      c: indirect(u8, { index: "i.at", data: "d" }, { r: rw(0) }),
    }),
    /its index i\.at is no field of this device/,
    1,
  ],
  [
    "an indirect bank without its data register",
    shape({ b: bank(u8, { i: rw(0) }), c: indirect(u8, { index: "i", data: "d" }, { r: rw(0) }) }),
    /its data register d is no register of this device/,
    1,
  ],
  [
    "an indirect bank of another width than its data register",
    shape({ b: bank(u8, { i: rw(0), d: rw(1) }), c: indirect(u32, { index: "i", data: "d" }, { r: rw(0) }) }),
    /has units of 32 bits, its data register d 8/,
    2,
  ],
  [
    "an aperture whose data register has 8 bits",
    shape({ b: bank(u8, { d: rw(0), o: rw(1) }, { aperture: aperture({ offset: "o", length: "o" }) }) }),
    /d is no single register of 32 bits of its bank/,
    1,
  ],
  [
    "an aperture without a field that picks what is behind it",
    shape({ b: bank(u32, { d: rw(0) }, { aperture: aperture({ select: "d.bar" }) }) }),
    /d\.bar is no field of its bank/,
    1,
  ],
  [
    "an aperture in front of nothing",
    shape({ b: bank(u32, { d: rw(0, { bar: bits(7, 0) }) }, { aperture: aperture({}) }) }),
    /bar0 places no window/,
    1,
  ],
  [
    "an overlay that nobody names",
    shape({ b: bank(u32, { a: rw(0) }), o: overlay({ c: rw(0) }) }),
    /is an overlay, and 0 banks name it/,
    1,
  ],
  [
    "an overlay that is not there",
    shape({ b: bank(u32, { a: rw(0) }, { narrow: { bytes: "o" } }) }),
    /o is no overlay of this device/,
    1,
  ],
  [
    "an overlay of a bank of bytes",
    shape({ b: bank(u8, { a: rw(0) }, { narrow: { bytes: "o" } }), o: overlay({ c: rw(0) }) }),
    /units of 8 bits instead of 32/,
    2,
  ],
  [
    "an overlay beyond its window",
    shape({ b: bank(u32, { a: rw(0) }, { narrow: { bytes: "o" } }), o: overlay({ c: rw(4) }) }),
    /ends at 5, outside the window of 4 that it overlays/,
    2,
  ],
  [
    "a field that is not there picking registers",
    () => bank(u32, { s: rw(0, { f: bit(0) }) }).select("s.g" as never, 2, { r: rw(4) }),
    /select\("s.g"\): the bank has no field of that name/,
    0,
  ],
  [
    "a repeated register that a field picks",
    () => bank(u32, { s: rw(0, { f: bit(0) }) }).select("s.f", 2, { r: repeat(2, 4, rw(4)) }),
    /r is repeated already/,
    1,
  ],
  [
    "a field that picks one of none",
    () => bank(u32, { s: rw(0, { f: bit(0) }) }).select("s.f", 0, { r: rw(4) }),
    /one of 1 to 256 registers, not of 0/,
    1,
  ],
  [
    "picked registers over an open one",
    shape({ b: bank(u32, { s: rw(0, { f: bit(0) }), a: rw(4) }).select("s.f", 2, { r: rw(4) }) }),
    /register r overlaps a at offset 4/,
    2,
  ],
  ...(
    [
      ["ports that move", "port", "base.at", "base.on"],
      ["a window that a missing field places", "mmio", "base.there", "base.on"],
      ["a window that several bits switch", "mmio", "base.at", "base.at"],
    ] as const
  ).map(([what, space, at, enabled]): [string, () => unknown, RegExp, number] => {
    const [register, field] = at.split(".") as [string, string];
    const b = bank(u32, { base: rw(0, { at: bits(31, 12), on: bit(0) }) });
    const movable = { register, field, offset: 0, enabled };
    const message =
      space === "port" ? /d.m is movable, and only windows of memory are/ : /does not say where it lies/;
    return [what, shape({ b, m: bank(u32, { r: rw(0) }, { space, movable }) }), message, 1];
  }),
  ["a fifo of three", () => fifo(u8, 3), /a power of two from 2 to 4096, not 3/, 0],
  ["33 input pins", () => inputs(33), /1 to 32 pins, not 33/, 0],
  [
    "state called as a register",
    () => device("d", { banks: { b: bank(u8, { a: rw(0) }) }, state: { a: u8 } }),
    /a is both a register and state/,
    1,
  ],
  [
    "more than 32 reported registers",
    () => {
      const registers = Object.fromEntries(
        Array.from({ length: 33 }, (_, i) => [`r${i}`, rw(i, {}, { unimplemented: true })]),
      );
      return device("d", { banks: { b: bank(u8, registers) } }).implement({});
    },
    /at most 32 registers, not 33/,
    0,
  ],
];

for (const [what, declare, message, places] of refused) {
  test(`${what}: refused, and every place is named`, (t) => {
    const error = t.throws(declare, { instanceOf: DeclarationError, message });
    t.is(error?.places.length, places);
    for (const place of error?.places ?? []) t.regex(place, /refusals\.test\.ts:\d+:\d+$/);
  });
}

const known = device("d", {
  banks: {
    b: bank(u8, {
      s: ro(0, { f: bit(0), k: constant(bit(1), true) }),
      w: wo(1),
      a: rw(2),
      gone: rw(3, {}, { unimplemented: true }),
      d: rw(5),
    }),
    c: indirect(u8, { index: "a", data: "d" }, { r: rw(0) }),
  },
  state: { late: timer(), host: source(), pins: inputs(2) },
});
const rest = {
  expire: { late: () => undefined },
  room: { host: () => 0 },
  receive: { host: () => undefined },
  input: { pins: () => undefined },
};
const nothing = () => undefined;

/** Behaviours that must be refused even where the types were got round. */
const misfits: readonly [string, object, RegExp, number][] = [
  [
    "a handler for a register that is not there",
    { ...rest, read: { x: nothing } },
    /read\.x handles a register that is not there/,
    1,
  ],
  [
    "a write handler on a read-only register",
    { ...rest, write: { s: nothing } },
    /write\.s handles writes to a read-only register/,
    2,
  ],
  [
    "a written handler on a read-only register",
    { ...rest, written: { s: nothing } },
    /written\.s handles writes to a read-only/,
    2,
  ],
  [
    "a read handler on a write-only register",
    { ...rest, read: { w: nothing } },
    /read\.w handles reads of a write-only register/,
    2,
  ],
  [
    "a handler on an unimplemented register",
    { ...rest, peek: { gone: nothing } },
    /peek\.gone handles an unimplemented register/,
    2,
  ],
  [
    "a handler on a data register",
    { ...rest, write: { d: nothing } },
    /write\.d handles the data register of an indirect bank/,
    2,
  ],
  [
    "a computed field that is not there",
    { ...rest, peek: { s: { x: nothing } } },
    /peek\.s\.x computes a field that is not there/,
    2,
  ],
  [
    "a computed constant",
    { ...rest, peek: { s: { k: nothing } } },
    /peek\.s\.k computes a constant field/,
    2,
  ],
  [
    "both write and written",
    { ...rest, write: { a: nothing }, written: { a: nothing } },
    /written\.a would never run/,
    1,
  ],
  ["a timer without expire", { ...rest, expire: {} }, /the timer late needs expire\.late/, 1],
  ["a source without room", { ...rest, room: {} }, /the source host needs room\.host/, 1],
  ["inputs without a handler", { ...rest, input: {} }, /the group of inputs pins needs input\.pins/, 1],
  [
    "expire for what is no timer",
    { ...rest, expire: { late: nothing, host: nothing } },
    /expire\.host handles no timer/,
    1,
  ],
];

for (const [what, behaviour, message, places] of misfits) {
  test(`${what}: refused, and every place is named`, (t) => {
    const error = t.throws(() => known.implement(behaviour as never), {
      instanceOf: DeclarationError,
      message,
    });
    t.is(error?.places.length, places);
    for (const place of error?.places ?? []) t.regex(place, /refusals\.test\.ts:\d+:\d+$/);
  });
}

test("registers that a guest never sees together may share an offset", (t) => {
  t.notThrows(one({ a: ro(3), b: wo(3) }));
  t.notThrows(
    shape({
      b: bank(u8, { s: rw(0, { f: bits(1, 0) }) })
        .when("s.f", 1, { a: rw(1) })
        .when("s.f", 2, { b: rw(1) })
        .when("s.f", 3, { c: ro(1), e: wo(1) }),
    }),
  );
});
