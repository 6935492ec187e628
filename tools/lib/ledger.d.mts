export interface Row {
  readonly id: string
  readonly section: string
  readonly text: string
  readonly status: string
  readonly note: string
  readonly line: number
}

export interface LedgerDocument {
  readonly name: string
  readonly title: string
  readonly rows: readonly Row[]
  readonly problems: readonly string[]
}

export function idsIn(text: string): string[]
export function parseLedger(name: string, source: string): LedgerDocument
export function withProofs(name: string, source: string, proofs: ReadonlyMap<string, readonly string[]>): string
export function compare(documents: readonly LedgerDocument[], passed: readonly string[]): string[]
export function featureTable(documents: readonly LedgerDocument[]): string
export function withFeatures(readme: string, documents: readonly LedgerDocument[]): string
