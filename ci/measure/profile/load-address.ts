/** Where the firmware has loaded the hypervisor, told by where it enters its guest. */

const pageBytes = 4096;

/**
 * The address of the image.
 * @param entries absolute addresses of instructions after which the guest ran
 * @param text the image's instructions by relative address
 * @throws where no load address, or more than one, puts a VMRUN at every entry
 */
export function loadAddress(entries: ReadonlySet<number>, text: ReadonlyMap<number, string>): number {
  const places = [...text].flatMap(([address, instruction]) =>
    instruction.startsWith("vmrun") ? [address] : [],
  );
  const [first] = entries;
  const candidates = places
    .map((place) => first - place)
    .filter((base) => base % pageBytes === 0 && [...entries].every((entry) => places.includes(entry - base)));
  if (first === undefined || candidates.length !== 1)
    throw new Error(
      `the guest was entered at ${entries.size} places, which fit ${candidates.length} load addresses`,
    );
  return candidates[0];
}
