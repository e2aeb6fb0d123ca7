import test from "ava";
import { entriesOf, leastOf, samplesOf } from "./sample.ts";

const counter = 1;
const handlersCounter = 2;
/** `G` and `g` are the guest's instructions, the first a reading of the counter, `i` a reading by its handler. */
const run = (text: string) =>
  [...text].map((letter, i) => {
    if (letter === "A") return { guest: true, address: counter };
    if (letter === "B") return { guest: true, address: counter + 100 };
    if (letter === "i") return { guest: true, address: handlersCounter };
    return letter === "g" ? { guest: true, address: 50 } : { guest: false, address: 1000 + i };
  });
const isReading = (address: number): boolean => [counter, counter + 100, handlersCounter].includes(address);
const samples = (text: string) => samplesOf(run(text), isReading);

test("a sample is what is between two readings, in exits, and what exits is not counted by the counter", (t) => {
  t.deepEqual(samples("hhgAgghhhBghh"), [{ exits: [[1006, 1007, 1008]], guest: 3, ticks: 5 }]);
});

test("each time that the guest is left is an exit of its own", (t) => {
  t.deepEqual(
    samples("AghhghB").map(({ exits }) => exits),
    [[[1002, 1003], [1005]]],
  );
});

test("between samples nothing is measured, and of several the first of the least is taken", (t) => {
  const found = samples("AghhhBhhhhAghhBhhhAghhBgg");
  t.deepEqual(
    found.map(({ ticks }) => ticks),
    [4, 3, 3],
  );
  t.is(leastOf(found), found[1]);
});

test("a handler's own reading is inside the sample", (t) => {
  t.deepEqual(samples("AghhighhBggAghhighhB"), [...samples("AghhighhB"), ...samples("           AghhighhB")]);
  const [sample] = samples("AghhighhB");
  t.is(sample.exits.length, 2);
  t.is(sample.ticks, 6);
});

test("a handler that comes twice reads the counter twice in one sample", (t) => {
  const found = samples("AghhihhgihhgBggAghhihhgihhgB");
  t.deepEqual(
    found.map(({ exits }) => exits.length),
    [3, 3],
  );
});

test("without two different readings there is no sample", (t) => {
  t.deepEqual(samples("AghA"), []);
  t.is(leastOf([]), undefined);
});

test("the guest is entered by what the hypervisor executes last", (t) => {
  t.deepEqual([...entriesOf(run("hhgghhhg"))], [1001, 1006]);
});
