/**
 * The strongly connected components of a directed graph that `entry` reaches, successors first (Tarjan): a component of
 * several nodes, or one that is its own successor, is a loop.
 */
export function components(entry: string, nextOf: (label: string) => readonly string[]): string[][] {
  const found: string[][] = [];
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const onStack = new Set<string>();
  const calls: { label: string; next: readonly string[]; at: number }[] = [];
  const open = (label: string): void => {
    index.set(label, index.size);
    low.set(label, index.get(label)!);
    stack.push(label);
    onStack.add(label);
    calls.push({ label, next: nextOf(label), at: 0 });
  };
  open(entry);
  while (calls.length > 0) {
    const call = calls[calls.length - 1]!;
    const to = call.next[call.at++];
    if (to !== undefined) {
      if (!index.has(to)) open(to);
      else if (onStack.has(to)) low.set(call.label, Math.min(low.get(call.label)!, index.get(to)!));
      continue;
    }
    calls.pop();
    const caller = calls[calls.length - 1];
    if (caller !== undefined) low.set(caller.label, Math.min(low.get(caller.label)!, low.get(call.label)!));
    if (low.get(call.label) !== index.get(call.label)) continue;
    const component = stack.splice(stack.lastIndexOf(call.label));
    for (const label of component) onStack.delete(label);
    found.push(component);
  }
  return found;
}
