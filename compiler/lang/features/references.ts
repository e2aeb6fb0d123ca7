/** Feature: references between structs, `null`, and what comparisons teach of it. */
import { u32, u8 } from "../../../dsl/core/int.ts";
import { array, ref, struct, type StructDescriptor, type ValueOf } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import type { Program } from "../../../dsl/core/program.ts";

interface Link {
  id: u32;
  next: Link | null;
}
const Link: StructDescriptor<Link> = struct("Link", {
  id: u32,
  next: ref((): StructDescriptor<Link> => Link),
});
const links = storage("references.links", array(Link, 5));
const list = storage("references.list", struct("LinkList", { head: ref(Link), static: ref(Link) }));
const lone = storage("references.lone", Link);
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
function nonNull(id: u8): u32 {
  links[0]!.id = id >>> 1;
  return u32(find(id & 3)!.id + 1);
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
  name: "references",
  entries: [
    { symbol: "build", fn: build, params: [u8, u8, u8], result: u32 },
    { symbol: "initial", fn: initial, params: [], result: u32 },
    { symbol: "found", fn: found, params: [u8], result: u8 },
    { symbol: "nonNull", fn: nonNull, params: [u8], result: u32 },
    { symbol: "last", fn: last, params: [u8], result: u32 },
  ],
};
