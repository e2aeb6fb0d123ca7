import test from "ava";
import { attach } from "../testing/attach.ts";
import {
  bank,
  bit,
  bits,
  checkRules,
  constant,
  device,
  hypercall,
  leaf,
  letters,
  repeat,
  reserved,
  ro,
  rule,
  rw,
  u16,
  u32,
  u64,
  u8,
  wo,
} from "./vocabulary.ts";
import { DeclarationError } from "./place.ts";

const msr = { space: "msr" } as const;

const table = device("table", {
  banks: {
    msrs: bank(
      u64,
      {
        plain: rw(0),
        status: ro(1, { ready: bit(0) }, { reset: 1 }),
        command: wo(2),
        strict: rw(3, { low: bits(7, 0), one: reserved(9, 8, { reads: 1, wrongWrite: "refuse" }) }),
        even: rw(4),
        several: repeat(3, 2, rw(8, { low: bits(3, 0), high: reserved(63, 4, { wrongWrite: "refuse" }) })),
      },
      msr,
    ),
  },
  state: { settled: u32 },
}).implement({
  accepts: { even: (_u, value) => (value & 1n) === 0n },
  write: { command: () => undefined },
  settle: (u) => {
    u.settled = u32(u.plain.value);
  },
});

test("an MSR that is not listed, one that cannot be read and one that cannot be written are refused", (t) => {
  const guest = attach(table);
  t.is(guest.rdmsr("msrs", 5), undefined);
  t.false(guest.wrmsr("msrs", 5, 0n));
  t.is(guest.rdmsr("msrs", 2), undefined);
  t.true(guest.wrmsr("msrs", 2, 0n));
  t.is(guest.rdmsr("msrs", 1), 1n);
  t.false(guest.wrmsr("msrs", 1, 0n));
});

test("reserved bits that refuse let nothing of a wrong write through", (t) => {
  const guest = attach(table);
  t.is(guest.rdmsr("msrs", 3), 0x100n);
  t.true(guest.wrmsr("msrs", 3, 0x1aan));
  t.false(guest.wrmsr("msrs", 3, 0x2bbn));
  t.false(guest.wrmsr("msrs", 3, 0x0bbn));
  t.is(guest.rdmsr("msrs", 3), 0x1aan);
});

test("a register refuses what its author does not accept", (t) => {
  const guest = attach(table);
  t.true(guest.wrmsr("msrs", 4, 6n));
  t.false(guest.wrmsr("msrs", 4, 7n));
  t.is(guest.rdmsr("msrs", 4), 6n);
});

test("an array of MSRs has a stride, with nothing between its elements", (t) => {
  const guest = attach(table);
  t.true(guest.wrmsr("msrs", 10, 5n));
  t.is(guest.rdmsr("msrs", 8), 0n);
  t.is(guest.rdmsr("msrs", 10), 5n);
  t.is(guest.rdmsr("msrs", 9), undefined);
  t.is(guest.rdmsr("msrs", 13), undefined);
  t.is(guest.rdmsr("msrs", 14), undefined);
  t.false(guest.wrmsr("msrs", 12, 0x10n), "every element has the register's reserved bits");
});

test("a device settles after an MSR's write, and not after a refused one", (t) => {
  const guest = attach(table);
  guest.write("plain", 3);
  t.is(guest.u.settled, 3);
  t.throws(() => guest.write("even", 1), { message: /refused/ });
});

const calls = device("calls", {
  banks: {},
  hypercalls: {
    add: hypercall(1, { input: { a: u8, b: u32 }, output: { sum: u64 } }),
    none: hypercall(2),
  },
}).implement({
  hypercall: {
    add(_u, input, output) {
      if (input.a === 0xff) return 5;
      output.sum = BigInt(input.a) + BigInt(input.b);
      return 0;
    },
    none: () => 0,
  },
});

test("a hypercall gets its input as a struct and leaves its output in another", (t) => {
  const guest = attach(calls);
  t.deepEqual(guest.hypercall("add", { a: 2, b: 40 }).output["sum"], 42n);
  const refused = guest.hypercall("add", { a: 0xff, b: 1 });
  t.is(refused.status, 5);
  t.is(refused.output["sum"], 0n, "what an earlier call left is gone");
});

test("parameters take whole words, and a call without any takes none", (t) => {
  const [add, none] = calls.hypercalls;
  t.like(add, { code: 1, inputBytes: 8, outputBytes: 8 });
  t.like(none, { code: 2, inputBytes: 0, outputBytes: 0 });
});

test("a leaf's values are those of its constant fields, lowest bit first", (t) => {
  const one = leaf(0x4000_0003, {
    eax: { low: constant(bits(3, 0), 5), flag: constant(bit(31), true) },
    ebx: letters("Micr"),
  });
  t.deepEqual(one.values, { eax: 0x8000_0005, ebx: 0x7263_694d, ecx: 0, edx: 0 });
});

const refusals: readonly (readonly [string, () => unknown, RegExp])[] = [
  [
    "a field of a leaf that is not constant",
    () => leaf(1, { eax: { x: bit(0) } }),
    /eax\.x of leaf 0x1 is stored/,
  ],
  [
    "fields of a leaf that overlap",
    () => leaf(1, { eax: { x: constant(bit(0), 1), y: constant(bits(1, 0), 1) } }),
    /eax\.y of leaf 0x1 overlaps/,
  ],
  [
    "a field of a leaf beyond 32 bits",
    () => leaf(1, { edx: { x: constant(bit(32), 1) } }),
    /outside 32 bits/,
  ],
  [
    "a constant that does not fit its field",
    () => leaf(1, { edx: { x: constant(bits(1, 0), 4) } }),
    /cannot read as 4/,
  ],
  ["a number of more than 32 bits", () => leaf(1, { ecx: 2 ** 32 }), /number of 32 bits/],
  ["a leaf's number of more than 32 bits", () => leaf(2 ** 32, {}), /has 32 bits/],
  ["a signature that is no register", () => letters("abc"), /no four letters/],
  ["a hypercall's number of more than 16 bits", () => hypercall(0x1_0000), /has 16 bits/],
  [
    "parameters that do not fit a page",
    () =>
      device("d", { banks: {}, hypercalls: { big: hypercall(1, { input: big() }) } }).implement({
        hypercall: { big: () => 0 },
      }),
    /d\.big has 2056 bytes of parameters/,
  ],
  [
    "two hypercalls of one number",
    () => device("d", { banks: {}, hypercalls: { a: hypercall(1), b: hypercall(1) } }),
    /hypercall b has the number 0x1, as a has/,
  ],
  [
    "two leaves of one number",
    () => device("d", { banks: {}, leaves: { a: leaf(1, {}), b: leaf(1, {}) } }),
    /leaf b has the number 0x1, as a has/,
  ],
  [
    "a register and a hypercall of one name",
    () => device("d", { banks: { m: bank(u64, { a: rw(0) }, msr) }, hypercalls: { a: hypercall(1) } }),
    /a is both a register and a hypercall/,
  ],
  [
    "MSRs of another width",
    () => device("d", { banks: { m: bank(u32, { a: rw(0) }, msr) } }),
    /MSRs have 64 bits/,
  ],
  [
    "refusing bits outside a bank of MSRs",
    () =>
      device("d", { banks: { m: bank(u16, { a: rw(0, { r: reserved(3, 0, { wrongWrite: "refuse" }) }) }) } }),
    /only a write of an MSR can be refused/,
  ],
  [
    "another way to a register of the local APIC that has none",
    () => device("d", { banks: { m: bank(u64, { a: rw(0, {}, { apic: 0x20 }) }, msr) } }),
    /EOI, ICR and TPR/,
  ],
  [
    "another way to the EOI register that reads",
    () => device("d", { banks: { m: bank(u64, { a: rw(0, {}, { apic: 0x0b }) }, msr) } }),
    /only its EOI register is write-only/,
  ],
  [
    "accepting what is not there",
    () =>
      device("d", { banks: { m: bank(u64, { a: rw(0) }, msr) } }).implement({
        accepts: { b: () => true },
      } as never),
    /accepts\.b handles a register that is not there/,
  ],
  [
    "accepting writes outside a bank of MSRs",
    () => device("d", { banks: { m: bank(u8, { a: rw(0) }) } }).implement({ accepts: { a: () => true } }),
    /only a write of an MSR can be refused/,
  ],
  [
    "a hypercall without a handler",
    () => device("d", { banks: {}, hypercalls: { a: hypercall(1) } }).implement({} as never),
    /the hypercall a needs hypercall\.a/,
  ],
  [
    "a handler without a hypercall",
    () => device("d", { banks: {} }).implement({ hypercall: { a: () => 0 } } as never),
    /hypercall\.a handles a hypercall that is not there/,
  ],
];

function big() {
  return Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`w${i}`, u64]));
}

for (const [what, declare, message] of refusals) {
  test(`${what} cannot be declared`, (t) => {
    t.throws(declare, { instanceOf: DeclarationError, message });
  });
}

test("a rule about a bit that no leaf has is refused", (t) => {
  t.throws(() => checkRules("it", [rule("features.eax.x", "a")], [table]), {
    message: /it: a rule speaks of features\.eax\.x, which no leaf has/,
  });
});
