import type { SimulatedWire } from '../wire/wire.ts'
import type { SimulatedNode } from './node.ts'

/** A wire with the nodes and addresses at its ends. */
export interface Span {
  readonly wire: SimulatedWire
  readonly ends: readonly [SpanEnd, SpanEnd]
}

interface SpanEnd {
  readonly node: SimulatedNode
  readonly ipv4: string
  readonly ipv6: string
}

/** Addresses of the n-th wire: a /24 and a /64 of their own. */
export function addressesOf(index: number, end: 0 | 1): { readonly ipv4: string; readonly ipv6: string } {
  return { ipv4: `10.${index >> 8}.${index & 255}.${end + 1}`, ipv6: `fd00:0:0:${index.toString(16)}::${end + 1}` }
}

/** Gives every node a route to every address that is not on one of its own wires: the way with the fewest hops, and the first such. */
export function addRoutes(nodes: readonly SimulatedNode[], spans: readonly Span[]): void {
  for (const node of nodes) {
    const firstHops = firstHopsFrom(node, spans)
    for (const span of spans) {
      if (span.ends.some((end) => end.node === node)) continue
      for (const end of span.ends) {
        const hop = firstHops.get(end.node)
        if (hop === undefined) continue
        node.stack.routes.add({ destination: `${end.ipv4}/32`, gateway: hop.ipv4 })
        node.stack.routes.add({ destination: `${end.ipv6}/128`, gateway: hop.ipv6 })
      }
    }
  }
}

/** For every node that can be reached, the end of the wire that leads there. */
function firstHopsFrom(start: SimulatedNode, spans: readonly Span[]): Map<SimulatedNode, SpanEnd> {
  const hops = new Map<SimulatedNode, SpanEnd>()
  const seen = new Set([start])
  for (let edge: readonly SimulatedNode[] = [start]; edge.length > 0; ) {
    const next: SimulatedNode[] = []
    for (const node of edge) {
      // Hosts do not forward.
      if (node !== start && node.kind === 'host') continue
      for (const far of neighborsOf(node, spans)) {
        if (seen.has(far.node)) continue
        seen.add(far.node)
        hops.set(far.node, hops.get(node) ?? far)
        next.push(far.node)
      }
    }
    edge = next
  }
  return hops
}

function* neighborsOf(node: SimulatedNode, spans: readonly Span[]): Generator<SpanEnd> {
  for (const { ends: [first, second] } of spans) {
    if (first.node === node) yield second
    else if (second.node === node) yield first
  }
}
