/** Feature: comparisons, `&& || !` with their order of evaluation, and what they teach of integers and references. */
import { i32, u32, u8 } from "../../dsl/core/int.ts";
import { array, bool, ref, struct, type StructDescriptor, type ValueOf } from "../../dsl/core/layout.ts";
import { storage } from "../../dsl/core/storage.ts";
import type { Program } from "../../dsl/core/program.ts";

const trace = storage("condition.trace", struct("Trace", { value: u32, flag: bool }));
function note(digit: u8, answer: boolean): boolean {
  trace.value = u32(Math.imul(trace.value, 10) + digit);
  return answer;
}
function order(a: boolean, b: boolean, c: boolean): u32 {
  trace.value = 0;
  if ((note(1, a) && note(2, b)) || !(note(3, c) && !note(4, a))) note(5, a);
  return trace.value;
}
function stored(a: u32): boolean {
  trace.flag = a > 7 && a !== 9;
  return !trace.flag === a < 100;
}
function every(a: i32, b: u32): u8 {
  let n: u8 = 0;
  if (a === b) n |= 1;
  if (a !== b) n |= 2;
  if (a <= b) n |= 4;
  if (a >= b) n |= 8;
  if (a > b) n |= 16;
  if (a < b) n |= 32;
  return n;
}
/** What a comparison of a sum teaches, it teaches of the local. */
function taught(a: i32, n: u8): u8 {
  if (a + 3 < 10 || a - 5 > 250) return 1;
  if (n === 0 || !(n < 9)) return u8(a - 7);
  return u8(a % n);
}
/** What gives nothing back gives undefined. */
function counted<R extends number | undefined>(act: (a: u8) => R, a: u8): u32 {
  const result = act(a);
  return result !== undefined ? u32(result) : 256;
}
const givesNothing = ((a: u8): void => {
  trace.value = a;
}) as unknown as (a: u8) => undefined;
const givesNumber = (a: u8): u32 => a ^ 3;
function given(a: u8): u32 {
  return u32(counted(givesNothing, a) * 1000 + counted(givesNumber, a));
}
interface Link {
  id: u32;
  next: Link | null;
}
const Link: StructDescriptor<Link> = struct("Link", {
  id: u32,
  next: ref((): StructDescriptor<Link> => Link),
});
const links = storage("condition.links", array(Link, 5));
const list = storage("condition.list", struct("LinkList", { head: ref(Link), static: ref(Link) }));
const lone = storage("condition.lone", Link);
lone.id = 4242;
list.static = lone;
lone.next = links[3]!;
links[3]!.id = 33;

function push(i: u8): void {
  const link: ValueOf<typeof Link> = links[i % 5]!;
  link.id = u32(link.id + i);
  link.next = list.head;
  list.head = link;
}
function head(): Link | null {
  return list.head;
}
function build(a: u8, b: u8, c: u8): u32 {
  list.head = null;
  push(a);
  if (b % 5 !== a % 5) push(b);
  if (c % 5 !== a % 5 && c % 5 !== b % 5) push(c);
  let sum: u32 = 0;
  let at: Link | null = head();
  while (at !== null) {
    sum = u32(sum * 7 + at.id);
    at = at.next;
  }
  return sum;
}
function initial(): u32 {
  const first = list.static;
  if (first === null) return 0;
  const second = first.next;
  return second === null ? 1 : u32(first.id + second.id);
}
function find(id: u32): Link | null {
  for (const link of links) if (link.id === id) return link;
  return null;
}
function found(id: u8): u8 {
  const link = find(id);
  if (link !== null && link.next === null) return 1;
  return link === null ? 2 : link === list.head ? 3 : 4;
}
function last(n: u8): u32 {
  let best: Link | null = null;
  for (let i = 0; i < n; i++) {
    const link = links[i % 5]!;
    if (best === null || link.id > best.id) best = link;
  }
  return best === null ? 9999 : best.id;
}

export const program: Program = {
  name: "condition",
  entries: [
    { symbol: "order", fn: order, params: [bool, bool, bool], result: u32 },
    { symbol: "stored", fn: stored, params: [u32], result: bool },
    { symbol: "every", fn: every, params: [i32, u32], result: u8 },
    { symbol: "taught", fn: taught, params: [i32, u8], result: u8 },
    { symbol: "given", fn: given, params: [u8], result: u32 },
    { symbol: "build", fn: build, params: [u8, u8, u8], result: u32 },
    { symbol: "initial", fn: initial, params: [], result: u32 },
    { symbol: "found", fn: found, params: [u8], result: u8 },
    { symbol: "last", fn: last, params: [u8], result: u32 },
  ],
};
