import test from "ava";
import { uart16550 } from "../../devices/uart16550.ts";
import { hpet } from "../../devices/hpet.ts";
import { ActionWords, ActionError } from "./action-text.ts";
import { reachOf } from "./reach.ts";

const words = (device: unknown) => {
  const reach = reachOf(device as never, [{ name: "acknowledge", params: ["u32", "u64"], result: "u8" }]);
  return new ActionWords(device as never, reach);
};
const uart = words(uart16550);

test("an action reads as it is written", (t) => {
  const lines = [
    "read lsr",
    "write lcr 0x83",
    "readAt ports 0x9 4",
    "writeAt ports 0x3 2 0x8301",
    "advance 1000",
    "send input 0x41",
    "reset",
    "call acknowledge 0x1 0xffffffffffffffff",
  ];
  for (const line of lines)
    t.is(
      uart.format(uart.parse(line), () => 0),
      line,
    );
  const timers = words(hpet);
  for (const line of ["write comparatorLow[2] 0x10", "read capabilities", "input replaced[1] 1"])
    t.is(
      timers.format(timers.parse(line), () => 0),
      line,
    );
});

test("of registers that share an offset, the one is named that the access reaches", (t) => {
  const divisor = (register: string, field: string): number => Number(`${register}.${field}` === "lcr.dlab");
  const first = uart.parse("write thr 0x1");
  t.is(
    uart.format(first, () => 0),
    "write thr 0x1",
  );
  t.is(
    uart.format(uart.parse("read rbr"), () => 0),
    "read rbr",
  );
  t.is(uart.format(first, divisor), "write dll 0x1");
});

test("what is no action of the device is refused in words that stand alone", (t) => {
  const refused = [
    ["write lrc 1", /no register `lrc`/],
    ["write lcr 0x100", /0x100 does not fit 8 bits/],
    ["write lcr -1", /`-1` is no number/],
    ["readAt mmio 0 1", /no window `mmio`/],
    ["readAt ports 0 3", /1, 2, 4 or 8 bytes, not 3/],
    ["send guest 1", /no source `guest`/],
    ["input pins 1", /no input `pins`/],
    ["call nothing 0 0", /no entry point `nothing`/],
    ["hypercall nothing 0", /no hypercall `nothing`/],
    ["reset now", /`reset` is followed by nothing/],
    ["toString", /`toString` is no action/],
  ] as const;
  for (const [line, message] of refused)
    t.throws(() => uart.parse(line), { instanceOf: ActionError, message });
});
