import test from "ava";
import { attach, type Attached } from "../dsl/testing/attach.ts";
import { uart16550 } from "./uart16550.ts";

/** IIR [3:0] values, NS16550AF table 4. */
const none = 1;
const modemStatus = 0;
const thrEmpty = 2;
const dataAvailable = 4;
const lineStatus = 6;
const timeout = 0x0c;

function uart() {
  return attach(uart16550);
}
type Guest = ReturnType<typeof uart>;
function cause(guest: Attached<Guest["u"], unknown>): number {
  return guest.read("iir") & 0x0f;
}

test("after a reset the transmitter is empty, nothing is received and no interrupt is pending", (t) => {
  const guest = uart();
  t.is(guest.read("lsr"), 0x60);
  t.is(guest.read("iir"), 0x01);
  t.is(guest.read("ier"), 0);
  t.is(guest.read("lcr"), 0);
  t.is(guest.read("mcr"), 0);
  t.is(guest.read("msr"), 0xb0);
  t.false(guest.line("irq"));
});

test("a byte written to THR leaves at once", (t) => {
  const guest = uart();
  for (const byte of Buffer.from("boot\n")) guest.write("thr", byte);
  t.is(guest.text("output"), "boot\n");
  t.is(guest.read("lsr"), 0x60);
});

test("with DLAB set offsets 0 and 1 are the divisor, and THR, RBR and IER are out of reach", (t) => {
  const guest = uart();
  guest.write("ier", 0x05);
  guest.send("input", "x");
  guest.write("lcr", 0x83);
  guest.writeAt("ports", 0, 1, 0x01);
  guest.writeAt("ports", 1, 1, 0x02);
  t.is(guest.readAt("ports", 0), 0x01);
  t.is(guest.readAt("ports", 1), 0x02);
  t.deepEqual(guest.bytes("output"), []);
  guest.write("lcr", 0x03);
  t.is(guest.readAt("ports", 1), 0x05);
  t.is(guest.readAt("ports", 0), "x".charCodeAt(0));
  t.is(guest.u.dll.value, 0x01);
  t.is(guest.u.dlm.value, 0x02);
});

test("the scratch register keeps what is written, and nothing else is touched", (t) => {
  const guest = uart();
  guest.write("scr", 0xa5);
  t.is(guest.read("scr"), 0xa5);
});

test("IER and MCR keep only the bits that exist", (t) => {
  const guest = uart();
  guest.write("ier", 0xff);
  guest.write("mcr", 0xef);
  t.is(guest.read("ier"), 0x0f);
  t.is(guest.read("mcr"), 0x0f);
});

test("writes to LSR and MSR change nothing", (t) => {
  const guest = uart();
  guest.writeAt("ports", 5, 1, 0xff);
  guest.writeAt("ports", 6, 1, 0xff);
  t.is(guest.read("lsr"), 0x60);
  t.is(guest.read("msr"), 0xb0);
});

test("enabling the THRE interrupt with an empty transmitter raises it at once", (t) => {
  const guest = uart();
  guest.write("ier", 0x02);
  t.true(guest.line("irq"));
  t.is(cause(guest), thrEmpty);
});

test("reading IIR acknowledges THRE only when THRE is the reported cause", (t) => {
  const guest = uart();
  guest.write("ier", 0x03);
  guest.send("input", "a");
  t.is(cause(guest), dataAvailable);
  t.is(guest.read("rbr"), 0x61);
  t.is(cause(guest), thrEmpty);
  t.is(cause(guest), none);
  t.false(guest.line("irq"));
});

test("an acknowledged THRE comes back with the next byte, as an edge", (t) => {
  const guest = uart();
  guest.write("ier", 0x02);
  guest.read("iir");
  t.false(guest.line("irq"));
  guest.write("thr", 0x41);
  t.true(guest.line("irq"));
  guest.write("thr", 0x42);
  t.deepEqual(guest.edges("irq"), [true, false, true, false, true]);
  t.is(cause(guest), thrEmpty);
});

test("switching the THRE interrupt off and on raises it again", (t) => {
  const guest = uart();
  guest.write("ier", 0x02);
  guest.read("iir");
  guest.write("ier", 0x00);
  guest.write("ier", 0x02);
  t.is(cause(guest), thrEmpty);
});

test("IIR reports line status before data, data before THRE, THRE before modem status", (t) => {
  const guest = uart();
  guest.write("mcr", 0x10);
  guest.write("ier", 0x0f);
  guest.write("thr", 0x55);
  guest.write("thr", 0x56);
  t.is(cause(guest), lineStatus);
  t.is(guest.read("lsr") & 0x02, 0x02);
  t.is(cause(guest), dataAvailable);
  t.is(guest.read("rbr"), 0x56);
  t.is(cause(guest), thrEmpty);
  t.is(cause(guest), modemStatus);
  t.true(guest.line("irq"));
  guest.read("msr");
  t.is(cause(guest), none);
  t.false(guest.line("irq"));
});

test("without FIFOs the receiver holds one byte, and the host keeps the rest", (t) => {
  const guest = uart();
  guest.send("input", "abc");
  t.is(guest.waiting("input"), 2);
  t.is(guest.read("lsr") & 0x01, 1);
  t.is(guest.read("rbr"), 0x61);
  t.is(guest.read("rbr"), 0x62);
  t.is(guest.read("rbr"), 0x63);
  t.is(guest.read("lsr") & 0x01, 0);
});

test("a text of 4 KB arrives whole, in order, with the FIFO", (t) => {
  const guest = uart();
  guest.write("fcr", 0xc7);
  const text = Array.from({ length: 4096 }, (_, i) => (i * 7 + (i >> 8)) & 0xff);
  guest.send("input", text);
  const got: number[] = [];
  while ((guest.read("lsr") & 1) !== 0) got.push(guest.read("rbr"));
  t.deepEqual(got, text);
  t.is(guest.read("lsr"), 0x60);
});

for (const [bits, level] of [
  [0, 1],
  [1, 4],
  [2, 8],
  [3, 14],
] as const) {
  test(`trigger ${bits} interrupts from ${level} bytes on, and not below`, (t) => {
    const guest = uart();
    guest.write("fcr", (bits << 6) | 0x07);
    guest.write("ier", 0x01);
    for (let i = 1; i < level; i++) {
      guest.send("input", [i]);
      t.false(guest.line("irq"));
    }
    guest.send("input", [level]);
    t.true(guest.line("irq"));
    t.is(cause(guest), dataAvailable);
    guest.read("rbr");
    t.false(guest.line("irq"));
  });
}

test("bytes below the trigger level raise a character time-out after four character times", (t) => {
  const guest = uart();
  guest.write("lcr", 0x83);
  guest.write("dll", 1);
  guest.write("dlm", 0);
  guest.write("lcr", 0x03);
  guest.write("fcr", 0xc7);
  guest.write("ier", 0x01);
  guest.send("input", "a");
  // Four characters of ten bits at 115,200 baud: 347,222.2 ns.
  guest.advance(347_221);
  t.false(guest.line("irq"));
  guest.advance(2);
  t.true(guest.line("irq"));
  t.is(cause(guest), timeout);
  t.is(guest.read("rbr"), 0x61);
  t.is(cause(guest), none);
  t.false(guest.line("irq"));
});

test("each byte that comes or goes restarts the character time-out", (t) => {
  const guest = uart();
  guest.write("lcr", 0x83);
  guest.write("dll", 1);
  guest.write("dlm", 0);
  guest.write("lcr", 0x03);
  guest.write("fcr", 0xc7);
  guest.write("ier", 0x01);
  guest.send("input", "a");
  guest.advance(300_000);
  guest.send("input", "b");
  guest.advance(300_000);
  t.false(guest.line("irq"));
  guest.read("rbr");
  guest.advance(300_000);
  t.false(guest.line("irq"));
  guest.advance(50_000);
  t.is(cause(guest), timeout);
});

test("an empty FIFO never times out", (t) => {
  const guest = uart();
  guest.write("fcr", 0xc7);
  guest.write("ier", 0x01);
  guest.send("input", "a");
  guest.read("rbr");
  t.is(guest.deadline("rxTimeout"), undefined);
  guest.advance(1_000_000_000);
  t.false(guest.line("irq"));
});

test("IIR shows 3 in bits 7:6 with FIFOs and 0 without", (t) => {
  const guest = uart();
  t.is(guest.read("iir") >> 6, 0);
  guest.write("fcr", 0x01);
  t.is(guest.read("iir") >> 6, 3);
  guest.write("fcr", 0x00);
  t.is(guest.read("iir") >> 6, 0);
});

test("FCR bit 1 empties the receiver and leaves the FIFO on", (t) => {
  const guest = uart();
  guest.write("fcr", 0x81);
  guest.send("input", "abc");
  guest.write("fcr", 0x83);
  t.is(guest.read("lsr") & 1, 0);
  t.is(guest.read("iir") >> 6, 3);
});

test("switching the FIFOs empties them", (t) => {
  const guest = uart();
  guest.write("fcr", 0x01);
  guest.send("input", "abc");
  guest.write("fcr", 0x00);
  t.is(guest.read("lsr") & 1, 0);
});

test("FCR takes the trigger level only together with the enable bit", (t) => {
  const guest = uart();
  guest.write("fcr", 0xc0);
  guest.write("fcr", 0x01);
  guest.write("ier", 0x01);
  guest.send("input", "a");
  t.true(guest.line("irq"));
});

test("in loopback a written byte is received and does not leave", (t) => {
  const guest = uart();
  guest.write("mcr", 0x10);
  guest.write("thr", 0x5a);
  t.deepEqual(guest.bytes("output"), []);
  t.is(guest.read("rbr"), 0x5a);
});

test("in loopback the host's bytes wait until it ends", (t) => {
  const guest = uart();
  guest.write("mcr", 0x10);
  guest.send("input", "z");
  t.is(guest.read("lsr") & 1, 0);
  guest.write("mcr", 0x00);
  t.is(guest.read("rbr"), 0x7a);
});

test("in loopback the modem status shows the modem outputs, and the deltas their changes", (t) => {
  const guest = uart();
  guest.write("mcr", 0x10);
  t.is(guest.read("msr"), 0x0b);
  for (const [mcr, msr] of [
    [0x11, 0x20],
    [0x12, 0x10],
    [0x14, 0x40],
    [0x18, 0x80],
    [0x1f, 0xf0],
  ] as const) {
    guest.write("mcr", mcr);
    t.is(guest.read("msr") & 0xf0, msr);
  }
  guest.write("mcr", 0x1a);
  t.is(guest.read("msr"), 0x90 | 0x02 | 0x04);
  t.is(guest.read("msr"), 0x90);
});

test("RI sets its delta only when it ends", (t) => {
  const guest = uart();
  guest.write("mcr", 0x10);
  guest.read("msr");
  guest.write("mcr", 0x14);
  t.is(guest.read("msr"), 0x40);
  guest.write("mcr", 0x10);
  t.is(guest.read("msr"), 0x04);
});

test("a modem status change interrupts until MSR is read", (t) => {
  const guest = uart();
  guest.write("ier", 0x08);
  guest.write("mcr", 0x10);
  t.true(guest.line("irq"));
  t.is(cause(guest), modemStatus);
  guest.read("msr");
  t.false(guest.line("irq"));
});

test("without FIFOs an overrun keeps the newer byte, with them the older ones", (t) => {
  const single = uart();
  single.write("mcr", 0x10);
  single.write("thr", 1);
  single.write("thr", 2);
  t.is(single.read("lsr"), 0x63);
  t.is(single.read("lsr"), 0x61);
  t.is(single.read("rbr"), 2);

  const queued = uart();
  queued.write("fcr", 0x01);
  queued.write("mcr", 0x10);
  for (let i = 1; i <= 17; i++) queued.write("thr", i);
  t.is(queued.read("lsr"), 0x63);
  for (let i = 1; i <= 16; i++) t.is(queued.read("rbr"), i);
  t.is(queued.read("lsr"), 0x60);
});

test("a break in loopback is received as one zero with break and framing error", (t) => {
  const guest = uart();
  guest.write("fcr", 0x01);
  guest.write("mcr", 0x10);
  guest.write("ier", 0x04);
  guest.write("lcr", 0x43);
  t.is(cause(guest), lineStatus);
  t.is(guest.read("lsr"), 0x60 | 0x80 | 0x18 | 0x01);
  t.is(cause(guest), none);
  t.is(guest.read("lsr"), 0x61);
  t.is(guest.read("rbr"), 0);
});

test("an error inside the FIFO shows in bit 7, and in its own bits when its byte is the oldest", (t) => {
  const guest = uart();
  guest.write("fcr", 0x01);
  guest.write("mcr", 0x10);
  guest.write("thr", 0x41);
  guest.write("lcr", 0x43);
  t.is(guest.read("lsr"), 0x60 | 0x80 | 0x01);
  t.is(guest.read("rbr"), 0x41);
  t.is(guest.read("lsr"), 0x60 | 0x80 | 0x18 | 0x01);
  t.is(guest.read("lsr"), 0x61);
});

test("LSR's ready follows the data", (t) => {
  const guest = uart();
  t.is(guest.read("lsr") & 1, 0);
  guest.send("input", "q");
  t.is(guest.read("lsr") & 1, 1);
  guest.read("rbr");
  t.is(guest.read("lsr") & 1, 0);
});

test("looking changes nothing", (t) => {
  const guest = uart();
  guest.write("fcr", 0x01);
  guest.write("ier", 0x0f);
  guest.write("mcr", 0x10);
  guest.write("thr", 0x41);
  guest.write("lcr", 0x43);
  const before = guest.snapshot();
  for (let offset = 0; offset < 8; offset++) guest.peekAt("ports", offset);
  t.deepEqual(guest.snapshot(), before);
});

test("a wide access reaches the registers one after another", (t) => {
  const guest = uart();
  guest.write("scr", 0x77);
  t.is(guest.readAt("ports", 6, 2), 0x77b0);
  guest.writeAt("ports", 3, 2, 0x0203);
  t.is(guest.read("lcr"), 0x03);
  t.is(guest.read("mcr"), 0x02);
  t.is(guest.readAt("ports", 4, 4), 0x77b06002);
});

test("a reset puts every register back and drops the line", (t) => {
  const guest = uart();
  guest.write("fcr", 0x01);
  guest.write("ier", 0x0f);
  guest.write("scr", 0x12);
  guest.send("input", "abc");
  t.true(guest.line("irq"));
  guest.reset();
  t.false(guest.line("irq"));
  t.is(guest.read("lsr"), 0x60);
  t.is(guest.read("ier"), 0);
  t.is(guest.read("iir"), 1);
  t.is(guest.read("scr"), 0);
});

test("a restored snapshot goes on where it was taken", (t) => {
  const guest = uart();
  guest.write("fcr", 0x01);
  guest.send("input", "snap");
  const saved = guest.snapshot();
  for (let i = 0; i < 4; i++) guest.read("rbr");
  guest.write("lcr", 0x1b);
  guest.restore(saved);
  t.is(guest.read("lcr"), 0);
  t.is(String.fromCharCode(...[0, 0, 0, 0].map(() => guest.read("rbr"))), "snap");
});
