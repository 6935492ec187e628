import type { Result } from './measure.ts'

/** Peers in the order of a table's columns; what is not one of them is ourselves in other circumstances. */
const PEERS = ['kernel', 'netstack', 'v86'] as const

/** A row for the terminal. */
export function line(result: Result): string {
  const peers = Object.keys(result.peers).map((name) => `${name} ${cell(result, name)}`)
  const spread = `${amount(result.min)}–${amount(result.max)}`
  return `${result.name.padEnd(20)}${amount(result.median).padStart(10)} ${result.unit.padEnd(9)} ${spread.padEnd(20)} ${peers.join(', ')}`
}

/** A table for a page: a row each, ours, every peer's, and ours in other circumstances. */
export function table(results: readonly Result[]): string {
  const rows = results.map((result) => [
    `\`${result.name}\``,
    `**${amount(result.median)}** ${result.unit}`,
    ...PEERS.map((peer) => cell(result, peer)),
    Object.keys(result.peers).filter((name) => !(PEERS as readonly string[]).includes(name)).map((name) => `${name} ${cell(result, name)}`).join(', '),
    result.cpu === undefined ? '' : amount(result.cpu),
  ])
  const header = ['row', 'ours', ...PEERS, 'beside', 'CPU µs']
  return [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function cell({ median, peers }: Result, name: string): string {
  const theirs = peers[name]
  if (theirs === undefined) return ''
  return theirs === 0 ? '0' : `${amount(theirs)} (×${(median / theirs).toFixed(2)})`
}

function amount(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString('en-US') : value.toPrecision(3)
}
