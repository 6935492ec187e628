import type { Scenario } from '../scenario.ts'
import { bulk } from './bulk.ts'
import { cliffs } from './cliffs.ts'
import { ecn } from './ecn.ts'
import { fairness } from './fairness.ts'
import { loss } from './loss.ts'
import { memory } from './memory.ts'

/** All scenarios, in the order in which they run. */
export const scenarios: readonly Scenario[] = [...bulk, ...loss, ...fairness, ...memory, ...cliffs, ...ecn]
