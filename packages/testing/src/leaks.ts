import type { StackBase } from '@stack/core'

/**
 * What a closed stack still holds, as sentences; empty when it left nothing behind. For the end of every test.
 *
 * @example
 * ```ts
 * import { createStack } from '@stack/core'
 * import { leaksOf, manualClock } from '@stack/testing'
 *
 * const stack = createStack({ plugins: [], clock: manualClock() })
 * stack.destroy()
 * console.log(leaksOf(stack)) // []
 * ```
 */
export function leaksOf(stack: StackBase): string[] {
  const leaks: string[] = []
  if (stack.memory.packets !== 0) leaks.push(`${String(stack.memory.packets)} packets are not released`)
  if (stack.memory.chunks !== 0) leaks.push(`${String(stack.memory.chunks)} chunks are not released`)
  const armed = stack.timers.armed
  if (armed !== 0) leaks.push(`${String(armed)} timers are armed`)
  if (stack.nics.length !== 0) leaks.push(`${String(stack.nics.length)} NICs are attached`)
  return leaks
}
