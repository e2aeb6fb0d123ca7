/** Runs actions on both sides of a device's harness, step by step, until something is wrong. */
import type { Numbers } from "../../dsl/testing/reach.ts";
import { eventKinds } from "../../dsl/testing/harness.ts";
import { differences, recordOf } from "../../dsl/testing/snapshot.ts";
import type { Outcome, Side, Subject } from "./subject.ts";

/** What was wrong, and after which action; -1 where it was the power-on. */
export interface Finding {
  readonly step: number;
  /**
   * `trap`: the program stopped itself, or would have looped on. `memory`: it reached outside its own state.
   * `difference`: Node and native do not agree.
   */
  readonly kind: "trap" | "memory" | "difference";
  readonly what: string;
}

const said = (outcome: Outcome): string =>
  "fault" in outcome ? outcome.fault : `0x${outcome.result.toString(16)}`;

/** An event as text: `line irq, 0x1`. */
function eventText(subject: Subject, words: readonly bigint[], at: number): string {
  const head = words[at] ?? 0n;
  const ordinal = Number((head >> 40n) & 0xffffn) - 1;
  const kind = eventKinds[Number(head >> 60n)];
  if (kind === "refuse") return "refuse";
  const wire = subject.device.wires.find((w) => ordinal >= w.ordinal && ordinal < w.ordinal + w.count);
  const name =
    wire === undefined
      ? `wire ${ordinal}`
      : wire.many
        ? `${wire.name}[${ordinal - wire.ordinal}]`
        : wire.name;
  const values = [words[at + 1] ?? 0n, head & 0xff_ffff_ffffn].map((v) => `0x${v.toString(16)}`);
  return `${kind ?? "?"} ${name}, ${values.join(", ")}`;
}

/** What the device has done to its surroundings in the last action on a side. */
export function eventTexts(subject: Subject, side: Side): readonly string[] {
  const words = side.events();
  return words.flatMap((_, at) => (at % 2 === 0 ? [eventText(subject, words, at)] : []));
}

function compare(subject: Subject, step: number, node: Outcome, native: Outcome): Finding | undefined {
  const differ = (what: string): Finding => ({ step, kind: "difference", what });
  if (said(node) !== said(native)) return differ(`${said(node)} in Node, ${said(native)} natively`);
  const [one, other] = [eventTexts(subject, subject.node), eventTexts(subject, subject.native)];
  const at = one.findIndex((text, i) => text !== other[i]);
  if (one.length !== other.length || at >= 0) {
    const first = at < 0 ? Math.min(one.length, other.length) : at;
    return differ(
      `event ${first} is ${one[first] ?? "missing"} in Node, ${other[first] ?? "missing"} natively`,
    );
  }
  if (Buffer.compare(subject.node.memory(), subject.native.memory()) !== 0)
    return differ("the guest's memory is not the same in Node and natively");
  const [a, b] = [subject.node.state(), subject.native.state()];
  if (Buffer.compare(a, b) === 0) return undefined;
  const layout = subject.device.state;
  const [first] = differences(recordOf(layout, a), recordOf(layout, b));
  return differ(
    first === undefined
      ? "the state's padding differs"
      : `${first.path} is ${first.one} in Node, ${first.other} natively`,
  );
}

/**
 * Runs actions, from power-on if nothing else is said; gives the first thing that is wrong. `seen` is told of each action before it is done, and
 * of what it gave.
 */
export function replay(
  subject: Subject,
  actions: Iterable<Numbers>,
  seen: {
    before?(action: Numbers): void;
    after?(result: bigint): void;
    /** From the state in which both sides are. */
    readonly goesOn?: boolean;
  } = {},
): Finding | undefined {
  let step = -1;
  /** The native side first: it ends a loop that Node would go round for ever. */
  const both = (run: (side: Side) => Outcome): Finding | undefined => {
    const native = run(subject.native);
    if ("fault" in native) return { step, kind: "trap", what: native.fault };
    const differs = compare(subject, step, run(subject.node), native);
    if (differs === undefined) seen.after?.(native.result);
    return differs;
  };
  const started = seen.goesOn === true ? undefined : both((side) => side.start());
  if (started !== undefined) return started;
  for (const action of actions) {
    step++;
    seen.before?.(action);
    const finding = both((side) => side.act(action));
    if (finding !== undefined) return finding;
  }
  return undefined;
}
