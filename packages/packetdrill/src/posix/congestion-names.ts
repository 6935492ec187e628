/** Algorithms under the names that systems have for them. */
const NAMES: Readonly<Record<string, string>> = { newreno: 'reno', reno: 'reno', cubic: 'cubic', bbr: 'bbr', bbr3: 'bbr', dctcp: 'dctcp' }

/** What the stack calls the algorithm; undefined = it does not have it. */
export function congestionControlOf(name: string): string | undefined {
  return Object.hasOwn(NAMES, name) ? NAMES[name] : undefined
}
