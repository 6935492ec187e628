import type { System } from '../posix.ts'

/** Name, Linux's number, FreeBSD's; null = the system does not have it. One number stands for both. */
export type Row = readonly [name: string, both: number] | readonly [name: string, linux: number | null, freebsd: number | null]

/** Numbers by name and names by number of one system. */
export interface SymbolTable {
  /** Undefined = neither system has the name. A name that only the other system has gives its number. */
  numberOf(name: string): number | undefined
  /** The first name of a number; undefined = none. */
  nameOf(value: number): string | undefined
}

export function symbolTable(system: System, rows: readonly Row[]): SymbolTable {
  const numbers = new Map<string, number>()
  const names = new Map<number, string>()
  for (const [name, linux, freebsd] of rows) {
    const own = system === 'linux' || freebsd === undefined ? linux : freebsd
    const value = own ?? linux ?? freebsd
    if (value === null || value === undefined) continue
    numbers.set(name, value)
    if (own !== null && !names.has(value)) names.set(value, name)
  }
  return { numberOf: (name) => numbers.get(name), nameOf: (value) => names.get(value) }
}
