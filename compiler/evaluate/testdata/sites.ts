import { u8, u16 } from "../../../dsl/core/int.ts";
import { struct, extend, make, type ValueOf } from "../../../dsl/core/layout.ts";
import { idiv } from "../../../dsl/core/intrinsics.ts";

const limit = 16;
let counter = 0;

export const S = struct("S", { a: u8, b: u16 });
export type S = ValueOf<typeof S>;

export function portReader(ports: readonly { port: u16; read: (s: S) => u8 }[]): (s: S, port: u16) => u8 {
  return (s: S, port: u16): u8 => {
    for (const p of ports) if (port === p.port) return p.read(s);
    return 0xff;
  };
}

export const readA = portReader([{ port: 1, read: (s) => s.a }]);
export const readB = portReader([{ port: 2, read: (s) => u8(s.b) }, { port: 3, read: hoisted }]);

export function hoisted(s: S): u8 {
  return u8(idiv(s.b, limit));
}

export const Extended = extend(S, {
  methods: {
    sum(self: S): u16 {
      return u16(self.a + self.b + limit);
    },
    ...{ twice: (self: S): u16 => u16(self.a * 2) },
  },
  properties: { total: { get: (self: S) => u16(self.a + limit) } },
});

export function usesLet(): number {
  counter++;
  return counter;
}

export const s = make(S);
