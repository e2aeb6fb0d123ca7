/** What a device declaration imports. */
export { i32, u8, u16, u32, u64 } from "../core/int.ts";
export { array, bool, struct, type ValueOf } from "../core/layout.ts";
export { answers, bank, indirect, overlay, passage } from "./bank.ts";
export { board, now } from "./board.ts";
export { clock, pitClock, pmClock, rtcClock, type Clock } from "./clock.ts";
export { device, type Device, type StateOf } from "./device.ts";
export {
  bit,
  bits,
  constant,
  readOnly,
  readToClear,
  reserved,
  selfClearing,
  unimplemented,
  writeOneToClear,
  writeOneToSet,
} from "./field.ts";
export { channelEnd } from "./channel.ts";
export { flashArray, type FlashArray } from "./flash.ts";
export { guestBuffer, guestMemory } from "./guest-memory.ts";
export { hypercall } from "./hypercall.ts";
export { instantiate, type Instance } from "./instance.ts";
export { leaf, letters } from "./leaf.ts";
export { port } from "./port.ts";
export { repeat, ro, rw, wo } from "./register.ts";
export { checkRules, rule } from "./rule.ts";
export { sharedMemory } from "./shared-memory.ts";
export { virtqueue, type Virtqueue } from "./virtqueue.ts";
export { volume } from "./volume.ts";
export {
  fifo,
  inputs,
  line,
  messages,
  misuse,
  page,
  report,
  retained,
  session,
  signal,
  sink,
  source,
  timer,
} from "./state.ts";
