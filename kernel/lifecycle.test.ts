import test from "ava";
import { provide } from "../dsl/core/binding.ts";
import type { u32, u64 } from "../dsl/core/int.ts";
import { make } from "../dsl/core/layout.ts";
import type { BoardParts } from "./board.ts";
import { Domain, DomainState } from "./domain.ts";
import { eventRings } from "./events.ts";
import { lifecycle } from "./lifecycle.ts";
import type { Running } from "./running.ts";
import { modelMachine } from "./testing/machine.ts";
import { virtualization, type Virtualization } from "./virtualization.ts";

/** A guest that runs, and an operator who pauses it. */
function scene() {
  const told: string[] = [];
  const machine = modelMachine(1_000_000_000n, 1000n);
  const domain = make(Domain);
  domain.state = DomainState.running;
  provide(virtualization, {
    followClock: () => undefined,
  } as Partial<Virtualization> as Virtualization);
  let rests = false;
  const life = lifecycle({
    guests: [
      {
        ...{ index: 0, slots: [], memoryBytes: 2 ** 20, vcpus: [{}] },
        power: {
          onCrash: "stop",
          onReboot: "stop",
          onPowerOff: "stop",
          rebootPolicy: null,
          crashPolicy: null,
        },
      },
    ] as never,
    domains: [domain] as never,
    board: {
      instances: [],
      timers: { wakeBy: () => undefined },
      postpone: (guest: u32, ticks: u64) => void told.push(`postpone ${guest} by ${ticks}`),
    } as unknown as BoardParts,
    rings: eventRings(1, 64),
    vcpus: {
      withdraw: () => void told.push("withdraw"),
      admit: () => void told.push("admit"),
      isAtRest: () => rests,
    } as Partial<Running> as Running,
    operated: true,
    dumps: null,
    drainVolumes: () => undefined,
    ended: () => undefined,
  });
  return { machine, told, domain, life, rest: () => (rests = true) };
}

test.serial("the timers of a guest that was paused come later by as much", (t) => {
  const s = scene();
  s.rest();
  s.life.pause(s.domain);
  s.life.settle();
  s.machine.ticks += 700n;
  s.life.resume(s.domain);
  t.is(s.domain.state, DomainState.running);
  t.deepEqual(s.told, ["withdraw", "postpone 0 by 700", "admit"]);
});

test.serial("a guest that goes on before its last vCPU has left its CPU loses no time and no timer", (t) => {
  const s = scene();
  s.life.pause(s.domain);
  s.life.settle();
  s.machine.ticks += 700n;
  s.life.resume(s.domain);
  t.is(s.domain.state, DomainState.running);
  t.deepEqual(s.told, ["withdraw", "postpone 0 by 0", "admit"]);
  s.life.settle();
  t.deepEqual(s.told.slice(3), []);
});
