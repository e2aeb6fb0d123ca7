/** When guests are saved and go on again, and what the operator is told of it. */
import type { u32 } from "../dsl/core/int.ts";
import type { BoardParts } from "./board.ts";
import { DomainState, type Domain } from "./domain.ts";
import { guestRestored, guestSaved, guestUnrestored, guestUnsaved, type EventRings } from "./events.ts";
import type { Notices } from "./notices.ts";
import type { Running } from "./running.ts";
import { SaveProblem } from "./save-format.ts";
import type { Saves } from "./saves.ts";
import { ownBytes } from "./slots.ts";
import { pauseGuestTime, resumeGuestTime } from "./timebase.ts";
import { virtualization } from "./virtualization.ts";

export interface GuestSaving {
  /** Saves a guest that runs, and stops it; false where it cannot be saved, and runs on. */
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
  /** Stops a domain's vCPUs and timers. */
  rest(domain: Domain): void;
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
  actions: SavingActions,
): GuestSaving {
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
  /** Takes a domain from all CPUs; false where it came to its end over that. */
  const hold = (domain: Domain): boolean => {
    if (domain.state !== DomainState.running) return false;
    domain.state = DomainState.paused;
    vcpus.withdraw(domain);
    vcpus.awaitRest(domain);
    board.enterGuest(domain.index);
    return domain.state === DomainState.paused;
  };
  return Object.freeze({
    save(domain: Domain): boolean {
      let problem: u32 = SaveProblem.notRunning;
      if (hold(domain)) {
        board.deliver();
        actions.finishVolumes();
        pauseGuestTime(domain.time);
        virtualization.keep();
        problem = saves.save(domain);
        if (problem !== SaveProblem.none) {
          domain.time.paused = 0n;
          domain.state = DomainState.running;
          vcpus.admit(domain);
        }
      }
      if (problem === SaveProblem.none) {
        actions.rest(domain);
        domain.state = DomainState.stopped;
        rings.record(guestSaved, BigInt(domain.index), saves.keptMiB(), 0n, 0n);
      } else rings.record(guestUnsaved, BigInt(domain.index), BigInt(problem), 0n, 0n);
      told.show();
      return problem === SaveProblem.none;
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
