/** When guests are saved and go on again, and what the operator is told of it. */
import type { u32 } from "../dsl/core/int.ts";
import type { BoardParts } from "./board.ts";
import { DomainState, type Domain } from "./domain.ts";
import { guestRestored, guestSaved, guestUnrestored, guestUnsaved, type EventRings } from "./events.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { Notices } from "./notices.ts";
import type { Running } from "./running.ts";
import { SaveProblem } from "./save-format.ts";
import type { Saves } from "./saves.ts";
import { ownBytes } from "./slots.ts";
import { resumeGuestTime } from "./timebase.ts";
import { virtualization } from "./virtualization.ts";

export interface GuestSaving {
  /**
   * Holds a guest that runs, to be saved: when it is at rest, which `isHeld` says, `save` is to be called. False where it
   * does not run.
   */
  hold(domain: Domain): boolean;
  /** Whether no CPU runs it any more, or it has come to its end over that. */
  isHeld(domain: Domain): boolean;
  /** Saves a guest that is held, and stops it; false where it cannot be saved, and goes on. */
  save(domain: Domain): boolean;
  /** Lets a guest that does not run go on from its save; false where that cannot be. */
  restore(domain: Domain): boolean;
  /** At the machine's start: lets a guest go on. False where it is to start afresh: nothing was saved. */
  goOn(domain: Domain): boolean;
  isSaved(domain: Domain): boolean;
  /** Makes the guest's save unusable; false where the medium refuses. */
  discard(domain: Domain): boolean;
}

/** What the kernel does for it. */
export interface SavingActions {
  readonly life: Pick<Lifecycle, "pause" | "resume" | "rest" | "settle">;
  /** Waits for what disks have under way, and tells the devices. */
  finishVolumes(): void;
}

/** Builds it. */
export function guestSaving(
  saves: Saves,
  board: BoardParts,
  rings: EventRings,
  told: Notices,
  vcpus: Running,
  { life, finishVolumes }: SavingActions,
): GuestSaving {
  const unsaved = (domain: Domain, problem: u32): boolean => {
    rings.record(guestUnsaved, BigInt(domain.index), BigInt(problem), 0n, 0n);
    told.show();
    return false;
  };
  const refuse = (domain: Domain, problem: u32): boolean => {
    rings.record(guestUnrestored, BigInt(domain.index), BigInt(problem), 0n, 0n);
    told.show();
    if (problem === SaveProblem.otherLayout) saves.tellDifferences(domain);
    return false;
  };
  /** A `SaveProblem`. */
  const attempt = (domain: Domain): u32 => {
    if (domain.state === DomainState.running) return SaveProblem.running;
    domain.uncleared = ownBytes(domain.slots);
    const problem = saves.restore(domain);
    if (problem !== SaveProblem.none) return problem;
    // The counter goes on from where it was held.
    resumeGuestTime(domain.time);
    board.enterGuest(domain.index);
    domain.state = DomainState.running;
    virtualization.resume(domain);
    board.resume(domain.index);
    vcpus.admit(domain);
    rings.record(guestRestored, BigInt(domain.index), saves.awaySeconds(domain), 0n, 0n);
    return SaveProblem.none;
  };
  return Object.freeze({
    hold(domain: Domain): boolean {
      if (domain.state !== DomainState.running) return unsaved(domain, SaveProblem.notRunning);
      life.pause(domain);
      life.settle();
      return true;
    },
    isHeld: (domain: Domain): boolean => !domain.changed,
    save(domain: Domain): boolean {
      if (domain.state !== DomainState.paused) return unsaved(domain, SaveProblem.notRunning);
      board.enterGuest(domain.index);
      board.deliver();
      finishVolumes();
      virtualization.keep();
      const problem = saves.save(domain);
      if (problem !== SaveProblem.none) {
        unsaved(domain, problem);
        life.resume(domain);
        return false;
      }
      life.rest(domain);
      domain.state = DomainState.stopped;
      rings.record(guestSaved, BigInt(domain.index), saves.keptMiB(), 0n, 0n);
      told.show();
      return true;
    },
    restore(domain: Domain): boolean {
      const problem = attempt(domain);
      if (problem !== SaveProblem.none) return refuse(domain, problem);
      told.show();
      return true;
    },
    goOn(domain: Domain): boolean {
      const problem = attempt(domain);
      if (problem === SaveProblem.nothingSaved || problem === SaveProblem.noMedium) return false;
      // The guest stays as it is until the operator decides: its save may fit another image.
      if (problem !== SaveProblem.none) refuse(domain, problem);
      return true;
    },
    isSaved: (domain: Domain): boolean => saves.isSaved(domain),
    discard(domain: Domain): boolean {
      const problem = saves.discard(domain);
      if (problem === SaveProblem.none) return true;
      return refuse(domain, problem);
    },
  });
}
