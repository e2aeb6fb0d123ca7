import test from "ava";
import { marks } from "../../platforms/x86_64/bare-guest/mark.ts";
import { countOf, type Count } from "./counter/counter.ts";
import { interruptFigures } from "./ipi.ts";

/** An interrupt from CPU 0 to CPU 1: what each CPU executed, and how often the receiver's waited. */
function sent(sender: number, receiver: number, { halted = false, waits = 0 } = {}): Count[] {
  const lines = [
    "leave 1 1000 0 0",
    ...(halted ? ["halt 1 1700 0 0"] : []),
    `${marks.sends} 0 50000 0 0`,
    "leave 0 50002 0 0",
    ...(halted ? [] : ["leave 1 1700 0 0"]),
    `enter 0 ${50_002 + sender} 0 0`,
    `enter 1 ${1700 + receiver} 0 ${waits}`,
    `${marks.arrives} 1 ${1700 + receiver} 0 ${waits}`,
    `leave 1 ${1708 + receiver} 0 ${waits}`,
  ];
  return lines.map(countOf);
}

const valuesOf = (counts: readonly Count[]): (readonly [string, number])[] =>
  interruptFigures(counts).map(({ name, value }) => [name.replace(/^irq\.ipi\.|\.typevisor$/g, ""), value]);

test("what each CPU did for an interrupt is told apart, and a receiver that rests from one that runs", (t) => {
  t.deepEqual(valuesOf([...sent(700, 410), ...sent(690, 400), ...sent(800, 600, { halted: true })]), [
    ["running.sender", 690],
    ["running.receiver", 400],
    ["halted.sender", 800],
    ["halted.receiver", 600],
  ]);
});

test("an interrupt for which a CPU waited is left out", (t) => {
  const halted = sent(800, 600, { halted: true });
  const [, receiver] = valuesOf([...sent(690, 300, { waits: 2 }), ...sent(690, 400), ...halted]);
  t.deepEqual(receiver, ["running.receiver", 400]);
  t.throws(() => interruptFigures([...sent(690, 300, { waits: 2 }), ...halted]), {
    message: "irq.ipi.running: no interrupt came without a CPU that waited",
  });
});
