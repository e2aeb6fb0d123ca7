/** What can be wrong with a kernel that is to be loaded; the builder says it in sentences, the loader refuses. */
export enum KernelFault {
  none = 0,
  /** No ELF file: magic number, class, byte order or version. */
  noElf = 1,
  /** An ELF file that is no executable for x86. */
  otherMachine = 2,
  /** The file ends within the ELF header. */
  headerTruncated = 3,
  /** The file ends before the end of the program header table. */
  tableOutside = 4,
  /** Entries of the program header table have another size, or are too many. */
  tableShape = 5,
  /** No segment is to be loaded. */
  noSegment = 6,
  /** A segment has more bytes in the file than in memory. */
  segmentSizes = 7,
  /** The file ends before the end of a segment. */
  segmentOutside = 8,
  /** A segment has no place in the guest's memory, or its place is taken. */
  segmentPlace = 9,
  /** Two segments overlap. */
  segmentOverlap = 10,
  /** The entry point lies in no segment. */
  entryOutside = 11,
  /** No XEN_ELFNOTE_PHYS32_ENTRY. */
  noNote = 12,
  /** A note runs beyond its segment. */
  noteOutside = 13,
  /** XEN_ELFNOTE_PHYS32_ENTRY has neither 4 nor 8 bytes. */
  noteSize = 14,
  /** No multiboot header in the first 8,192 bytes; of version 2 in the first 32,768. */
  noMultibootHeader = 15,
  /** The multiboot header requires what is not provided. */
  multibootFlags = 16,
  /** The address fields of the multiboot header contradict each other or the file. */
  multibootAddresses = 17,
  /** A tag of the multiboot header of version 2 runs beyond the header, or is too short; or the last one is missing. */
  multibootTag = 18,
  /** A tag requires what is not provided. */
  multibootRequired = 19,
  /** A tag requires information that is not provided. */
  multibootInformation = 20,
  /** Address fields without an entry point. */
  multibootEntry = 21,
  /** The kernel may be moved, and there is no place to which. */
  multibootRange = 22,
}
