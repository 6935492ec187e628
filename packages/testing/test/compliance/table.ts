import { expect } from 'vitest'
import type { ComplianceCase } from '../../src/index.ts'

/** The names of the cases that fail, in order. */
export async function failing(cases: readonly ComplianceCase[]): Promise<string[]> {
  const names: string[] = []
  for (const { name, run } of cases) {
    try {
      await run()
    } catch {
      names.push(name)
    }
  }
  return names
}

/** The names of the cases that do not apply, in order. */
export async function skipped(cases: readonly ComplianceCase[]): Promise<string[]> {
  const names: string[] = []
  for (const { name, run } of cases) await run({ skip: () => names.push(name) })
  return names
}

/** Every case has a mutant, and every mutant a case. */
export function expectTable(cases: readonly ComplianceCase[], mutants: object): void {
  expect(Object.keys(mutants).sort()).toEqual(cases.map(({ name }) => name).sort())
}
