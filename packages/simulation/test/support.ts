import type { Node, Simulation } from '../src/index.ts'

/** When each datagram that arrives at `node` on port 9 arrived, ms since the start, and its first byte. */
export function arrivals(net: Simulation, node: Node): { readonly at: number; readonly first: number }[] {
  const list: { readonly at: number; readonly first: number }[] = []
  node.stack.udp.bind({ port: 9 }).setHandler({
    datagram: (data) => list.push({ at: Math.round(net.now * 1e6) / 1e3, first: data[0]! }),
  })
  return list
}

/** Sends numbered datagrams of `size` bytes of UDP payload from `from` to port 9 of `to`. */
export function sendDatagrams(from: Node, to: Node, count: number, size: number, firstNumber = 0): void {
  const socket = from.stack.udp.bind()
  for (let i = 0; i < count; i++) {
    const payload = new Uint8Array(size)
    payload[0] = firstNumber + i
    socket.send(payload, { host: to.ipv4, port: 9 })
  }
  socket.close()
}

/** IPv4 and UDP headers, and the Ethernet header that a wire counts. */
export const HEADERS = 20 + 8 + 14
