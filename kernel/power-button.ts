/** The power buttons of the guests: an input of that name of one of their devices. */
import type { u16, u32 } from "../dsl/core/int.ts";
import type { BoardParts } from "./board.ts";

/** Makes what presses a guest's power button and lets it go; false where the guest has none. Build time. */
export function powerButtons(board: BoardParts): (guest: u32) => boolean {
  const buttons = Object.freeze(
    board.instances.flatMap(({ guest, instance, state }) =>
      instance.device.inputs
        .filter((i) => i.name === "powerButton")
        .map(({ first }) =>
          Object.freeze({
            ...{ guest, state, pin: first },
            input: instance.device.input as (self: object, pin: u16, level: boolean) => void,
          }),
        ),
    ),
  );
  return (guest: u32): boolean => {
    for (const b of buttons) {
      if (guest === b.guest) {
        board.enterGuest(guest);
        b.input(b.state, b.pin, true);
        b.input(b.state, b.pin, false);
        board.deliver();
        return true;
      }
    }
    return false;
  };
}
