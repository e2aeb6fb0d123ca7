/** Output lines that end at one place: a wired OR, whose level follows from the state of the devices that drive it. */
import type { FixedArray } from "../dsl/core/layout.ts";
import type { Line } from "../dsl/device/state.ts";
import type { PlacedInstance } from "./board.ts";

/** A line by its device and its name there; of an array of lines, by its index. */
export interface LineEnd {
  readonly owner: PlacedInstance;
  readonly name: string;
  readonly index: number;
}

/** Makes the function that tells whether one of some lines is high. Build time. */
export function levelOf(lines: readonly LineEnd[]): () => boolean {
  const isElement = ({ owner, name }: LineEnd): boolean =>
    owner.instance.device.wires.some((w) => w.name === name && w.many);
  const ones = lines
    .filter((end) => !isElement(end))
    .map(({ owner, name }) => Object.freeze({ state: owner.state as Record<string, Line>, name }));
  const elements = lines
    .filter(isElement)
    .map(({ owner, name, index }) =>
      Object.freeze({ state: owner.state as Record<string, FixedArray<Line>>, name, index }),
    );
  return (): boolean => {
    for (const { state, name } of ones) if (state[name].level) return true;
    for (const { state, name, index } of elements) if (state[name][index].level) return true;
    return false;
  };
}
