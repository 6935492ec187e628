import type { LabCase } from './case.ts'
import { namespaceCase } from './cases/namespace.ts'

/** Every case, in the order in which they run. */
export const cases: readonly LabCase[] = [namespaceCase]
