import test from "ava";
import { provide } from "../dsl/core/binding.ts";
import { make } from "../dsl/core/layout.ts";
import type { BoardParts } from "./board.ts";
import { Domain, DomainState } from "./domain.ts";
import { eventRings, guestUnsaved, guestSaved } from "./events.ts";
import { guestSaving } from "./guest-saving.ts";
import type { Notices } from "./notices.ts";
import type { Running } from "./running.ts";
import { SaveProblem } from "./save-format.ts";
import type { Saves } from "./saves.ts";
import { modelMachine } from "./testing/machine.ts";
import { virtualization, type Virtualization } from "./virtualization.ts";

/** A guest that runs, and what is done with it; `problem` is what the medium says. */
function scene() {
  modelMachine();
  const done: string[] = [];
  const note = (what: string) => (): void => void done.push(what);
  const domain = make(Domain);
  domain.state = DomainState.running;
  const outcome = { problem: SaveProblem.none };
  const saves = {
    save: () => {
      done.push("save");
      return outcome.problem;
    },
    keptMiB: () => 1n,
  } as Partial<Saves> as Saves;
  const rings = eventRings(1, 64);
  provide(virtualization, { keep: note("keep") } as Partial<Virtualization> as Virtualization);
  const saving = guestSaving(
    saves,
    { enterGuest: () => undefined, deliver: () => undefined } as Partial<BoardParts> as BoardParts,
    rings,
    { show: () => undefined } as Partial<Notices> as Notices,
    {} as Running,
    {
      life: {
        pause: () => {
          domain.state = DomainState.paused;
          domain.changed = true;
        },
        resume: note("resume"),
        rest: note("rest"),
        settle: () => false,
      },
      finishVolumes: note("finish volumes"),
    },
  );
  const told = () => rings.read(0, rings.next(0) - 1n)?.kind;
  return { saving, domain, done, outcome, told };
}

test.serial("a guest is saved when no CPU runs it any more, and nothing of it is touched before", (t) => {
  const s = scene();
  t.true(s.saving.hold(s.domain));
  t.false(s.saving.isHeld(s.domain));
  t.deepEqual(s.done, []);
  s.domain.changed = false;
  t.true(s.saving.isHeld(s.domain) && s.saving.save(s.domain));
  t.deepEqual(s.done, ["finish volumes", "keep", "save", "rest"]);
  t.is(s.domain.state, DomainState.stopped);
  t.is(s.told(), guestSaved.number);
});

test.serial("a guest that cannot be saved goes on", (t) => {
  const s = scene();
  s.outcome.problem = SaveProblem.mediumFailed;
  s.saving.hold(s.domain);
  s.domain.changed = false;
  t.false(s.saving.save(s.domain));
  t.deepEqual(s.done, ["finish volumes", "keep", "save", "resume"]);
  t.is(s.told(), guestUnsaved.number);
});

test.serial("a guest that ends while it is to be held is not saved, nor is one that does not run", (t) => {
  const s = scene();
  s.saving.hold(s.domain);
  s.domain.state = DomainState.crashed;
  s.domain.changed = false;
  t.false(s.saving.save(s.domain));
  t.false(s.saving.hold(s.domain));
  t.deepEqual(s.done, []);
});
