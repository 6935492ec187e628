/** Adds every counter of `more` to `sum`: for totals over endpoints, and for those of endpoints that go. */
export function addCounters<T extends object>(sum: T, more: T): void {
  const into = sum as Record<string, number>
  for (const [name, value] of Object.entries(more) as [string, number][]) into[name] = (into[name] ?? 0) + value
}
