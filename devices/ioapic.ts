/**
 * The I/O APIC of a PC.
 *
 * A pin's level here says whether its device asks; whether the wire is then high or low is fixed by how the board is
 * wired (`lowPins`), and what the guest programs as polarity must agree with it, as on a real board.
 */
import {
  bank,
  bit,
  bits,
  constant,
  device,
  indirect,
  inputs,
  messages,
  readOnly,
  repeat,
  ro,
  rw,
  u32,
  u64,
  u8,
  wo,
  type StateOf,
} from "../dsl/device/vocabulary.ts";

/** Pins whose wires are low when their devices ask, and have pull-ups: those of the PCI slots. */
const lowPins = 0xff_0000;

const shape = device("ioapic", {
  title: "I/O APIC",
  about:
    "24 pins, and the EOI register of version 0x20. Pins 16 to 23 are wired active low, as those of PCI slots are; the polarity that a guest programs must agree with the wiring, as on a real board.",
  manuals: ["Intel 82093AA data sheet 290566, 1996", "Intel ICH9 data sheet 316972"],
  banks: {
    mmio: bank(
      u32,
      {
        regsel: rw(
          0x00,
          { index: bits(7, 0, "Which register the window shows.") },
          { section: "§3.1.1", about: "Selects a register." },
        ),
        window: rw(0x10, {}, { section: "§3.1.2", about: "The selected register." }),
        eoi: wo(
          0x40,
          { vector: bits(7, 0, "The vector whose level-triggered pins may ask again.") },
          { section: "ICH9 §13.5.4", about: "End of interrupt." },
        ),
      },
      { space: "mmio", size: 0x1000, narrow: "ignore" },
    ),
    inner: indirect(
      u32,
      { index: "regsel.index", data: "window" },
      {
        id: rw(0x00, { id: bits(27, 24, "Its id.") }, { section: "§3.2.1" }),
        version: ro(
          0x01,
          {
            version: constant(bits(7, 0, "With an EOI register."), 0x20),
            lastPin: constant(bits(23, 16, "Pins, less 1."), 23),
          },
          { section: "§3.2.2" },
        ),
        arbitration: ro(0x02, { id: bits(27, 24, "The id.") }, { section: "§3.2.3" }),
        redirection: repeat(
          24,
          2,
          rw(
            0x10,
            {
              vector: bits(7, 0, "The vector that is asked for."),
              deliveryMode: bits(10, 8, "0: fixed; 1: lowest priority; 4: NMI; 5: INIT; others do nothing."),
              logical: bit(11, "The destination is a logical one."),
              sending: readOnly(bit(12, "Never: a message leaves at once.")),
              activeLow: bit(13, "The pin asks while it is low."),
              remoteIrr: readOnly(
                bit(14, "A level-triggered interrupt has been sent and not been served yet."),
              ),
              level: bit(15, "Level-triggered; otherwise by edges."),
              masked: bit(16, "Nothing is sent; an edge is lost."),
              destination: bits(63, 56, "An APIC's id, or a set of logical ids."),
            },
            { width: u64, reset: 0x10000, section: "§3.2.4", about: "Where a pin's interrupt goes." },
          ),
        ),
      },
    ),
  },
  state: { irqs: inputs(24), bus: messages() },
});
type IoApic = StateOf<typeof shape>;

/** Whether a pin is in the state that its entry calls active. */
function active(u: IoApic, pin: u8): boolean {
  const i = pin & 31;
  const asked = ((u.irqs.levels ^ lowPins) >>> i) & 1;
  if (i >= 24) return false;
  return u.redirection[i].activeLow ? asked === 0 : asked === 1;
}

/** Sends a pin's message (82093AA §3.2.4). */
function send(u: IoApic, pin: u8): void {
  const i = pin & 31;
  if (i >= 24) return;
  const entry = u.redirection[i];
  const low = u32(entry.value & 0x8fffn);
  // ICR [14]: asserted.
  u.bus.send(entry.destination, u32(low | 0x4000));
}

/** A level-triggered pin asks again as long as it is active and its last message has been served. */
function serveLevel(u: IoApic, pin: u8): void {
  const i = pin & 31;
  if (i >= 24) return;
  const entry = u.redirection[i];
  if (!entry.level || entry.masked || entry.remoteIrr || !active(u, pin)) return;
  // Fixed and lowest priority alone are acknowledged by an end of interrupt.
  if (entry.deliveryMode < 2) entry.remoteIrr = true;
  send(u, pin);
}

function endOfInterrupt(u: IoApic, vector: u8): void {
  for (let pin: u8 = 0; pin < 24; pin++) {
    const entry = u.redirection[pin];
    if (entry.level && entry.remoteIrr && entry.vector === vector) {
      entry.remoteIrr = false;
      serveLevel(u, pin);
    }
  }
}

export const ioapic = shape.implement({
  peek: { arbitration: { id: (u) => u.id.id } },
  write: { eoi: (u, value) => endOfInterrupt(u, u8(value)) },
  written: {
    redirection(u, index, value) {
      const i = index & 31;
      if (i >= 24) return;
      // An edge has nothing to wait for.
      if ((value & 0x8000n) === 0n) u.redirection[i].remoteIrr = false;
      serveLevel(u, u8(i));
    },
  },
  input: {
    irqs(u, pin, _level) {
      const i = pin & 31;
      if (i >= 24) return;
      const entry = u.redirection[i];
      if (entry.level) serveLevel(u, u8(i));
      // An edge that comes while the pin is masked is lost (82093AA §3.2.4, bit 16).
      else if (!entry.masked && active(u, u8(i))) send(u, u8(i));
    },
  },
  calls: { endOfInterrupt },
});
