/**
 * Landmarks: named places in the code of an image, which the build finds again in the machine code to measure the
 * longest ways between them. Platforms place them (`platforms/landmark.ts`).
 */

/** What a line of assembly begins with that is a landmark: a comment, which costs no instruction. */
export const landmarkComment = "# landmark ";

/** Where a guest is entered: an exit's way begins here, and ends where it is come to again. */
export const guestLandmark = "guest";

/** Where an exit's way ends otherwise: the kernel's loop decides what runs next. */
export const kernelLandmark = "kernel";

/** What the name of a landmark begins with that a CPU comes by each time it looks again whether somebody else has done something. */
export const waitPrefix = "wait ";

/** What the name of a landmark begins with that is on every way that handles one kind of exit, and on no other. */
export const exitKindPrefix = "exit ";
