import { pairOfStacks } from './world.ts'

/**
 * Frames that two stacks exchange when everything is used: resolution, echo, datagrams whole and in fragments, errors,
 * connections with data in both directions, their end and their refusal. Ethernet frames, from the one and from the other.
 */
export async function recordTraffic(): Promise<Uint8Array[]> {
  const { clock, left, right, end } = await pairOfStacks({ link: { framing: 'ethernet', latency: 1 } })
  const frames: Uint8Array[] = []
  for (const stack of [left, right]) {
    stack.nics[0]!.tap((direction, _nic, _protocol, packet) => {
      if (direction === 'in' && frames.length < 2000) frames.push(packet.bytes.slice(packet.start, packet.end))
    })
  }
  const server = right.udp.bind({ port: 7 })
  server.setHandler({ datagram: (data, remote) => void server.send(data, remote) })
  const listener = right.tcp.listen({ port: 80 })
  listener.setHandler((connection) => {
    const echo = async (): Promise<void> => {
      for await (const chunk of connection) await connection.write(chunk)
      await connection.close()
    }
    echo().catch(() => undefined)
  })
  for (const host of ['10.0.0.2', 'fd00::2']) {
    await clock.until(left.icmp.ping(host))
    await clock.until(left.icmp.ping(host, { size: 4000 }))
    const client = left.udp.connect({ host, port: 7 })
    client.send(new Uint8Array(100))
    client.send(new Uint8Array(5000))
    await clock.advance(100)
    const stranger = left.udp.connect({ host, port: 9 })
    stranger.send(new Uint8Array(10))
    left.raw.open({ protocol: 253, networkProtocol: host.includes(':') ? 0x86dd : 0x0800 }).send(new Uint8Array(20), host)
    await clock.advance(100)
    const connection = await clock.until(left.tcp.connect({ host, port: 80 }))
    await clock.until(connection.write(new Uint8Array(20_000), { end: true }))
    const buffer = new Uint8Array(65_536)
    while ((await clock.until(connection.read(buffer))) !== null);
    await clock.until(connection.close())
    await clock.until(left.tcp.connect({ host, port: 81 }).catch(() => null))
  }
  end()
  return frames
}
