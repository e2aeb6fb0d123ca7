/** Feature: names: locals, parameters, captured values, `undefined`, and which of them hides another. */
import { u32, u8 } from "../../../dsl/core/int.ts";
import type { Program } from "../../../dsl/core/program.ts";

const limit = 40;
const options: { readonly on: boolean; readonly step?: u8 } = Object.freeze({ on: true });

/** A name inside hides the captured one. */
function shadowed(x: u8): u32 {
  let sum = limit;
  {
    const limit = x + 1;
    sum += limit;
    for (let limit = 0; limit < 3; limit++) sum = u32(sum + limit);
  }
  return u32(sum + limit);
}
function parameter(limit: u8): u32 {
  return limit * 2 + hidden(limit);
}
function hidden(shadowed: u8): u8 {
  return u8(shadowed + limit);
}
function absent(x: u8): u32 {
  return options.step === undefined ? x + limit : options.step;
}

export const program: Program = {
  name: "identifier",
  entries: [
    { symbol: "shadowed", fn: shadowed, params: [u8], result: u32 },
    { symbol: "parameter", fn: parameter, params: [u8], result: u32 },
    { symbol: "absent", fn: absent, params: [u8], result: u32 },
  ],
};
