/** Feature: dispatch over declarations: an unrolled loop, a compare tree over constants. */
import { u16, u32, u8 } from "../../../dsl/core/int.ts";
import { struct, type ValueOf } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import type { Program } from "../../../dsl/core/program.ts";

const State = struct("State", { a: u8, b: u8, writes: u32 });
type State = ValueOf<typeof State>;
const states = [storage("dispatch.first", State), storage("dispatch.second", State)] as const;

interface Port {
  readonly port: u16;
  readonly read?: (s: State) => u8;
  readonly write?: (s: State, value: u8) => void;
}
function make(state: State, ports: readonly Port[]) {
  return Object.freeze({
    read(port: u16): u8 {
      for (const p of ports) if (port === p.port && p.read !== undefined) return p.read(state);
      return 0xff;
    },
    write(port: u16, value: u8): void {
      for (const p of ports) {
        if (port !== p.port) continue;
        if (p.write !== undefined) p.write(state, value);
        return;
      }
      state.writes = u32(state.writes + 0x1000);
    },
  });
}
const a: Port = Object.freeze({
  port: 0x3f8,
  read: (s: State): u8 => s.a,
  write: (s: State, v: u8): void => {
    s.a = v;
    s.writes = u32(s.writes + 1);
  },
});
const devices = [
  make(states[0], [a, { port: 0x3f9, read: (s: State): u8 => u8(s.a + s.b) }]),
  make(states[1], [a, { port: 0x70, write: (s: State, v: u8): void => void (s.b = v) }].slice(0, 1)),
] as const;

function access(which: boolean, port: u16, value: u8): u32 {
  const near = 0x3f7 + (port & 3);
  if (which) {
    devices[0].write(near, value);
    return u32(devices[0].read(near) + states[0].writes * 256);
  }
  devices[1].write(near, value);
  return u32(devices[1].read(near) + states[1].writes * 256);
}

export const program: Program = {
  name: "dispatch",
  entries: [
    { symbol: "access", fn: access, params: [{ kind: "bool", size: 1, align: 1 }, u16, u8], result: u32 },
  ],
};
