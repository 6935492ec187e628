import { describe, expect, test } from 'vitest'
import { Bench, FAMILIES, PEER_PORT, PORT } from './support/peer.ts'

describe.each(FAMILIES)('handshake over %s', (family) => {
  const mss = family === 'ipv4' ? 1460 : 1440

  test('active open: SYN, SYN-ACK, ACK', async () => {
    const bench = await Bench.create({ family })
    const promise = bench.stack.tcp.connect({ host: bench.remote, port: PEER_PORT })
    await bench.clock.settle()
    const syn = bench.expect('S', { seq: 0, mss, win: 65_535, destinationPort: PEER_PORT })
    expect(syn.scale).toBe(5)
    expect(syn.ts).not.toBeNull()
    bench.localPort = syn.sourcePort
    await bench.send('SA', { seq: 0, ack: 1, mss: 1000 })
    bench.expect('A', { seq: 1, ack: 1, ts: null })
    const connection = await promise
    expect(connection.state).toBe('established')
    expect(connection.local).toEqual({ host: bench.local, port: syn.sourcePort })
    expect(connection.remote).toEqual({ host: bench.remote, port: PEER_PORT })
    expect(connection.info().sendMss).toBe(1000)
    await bench.end()
  })

  test('passive open: a listener of any address serves the family', async () => {
    const bench = await Bench.create({ family })
    const listener = bench.stack.tcp.listen({ port: PORT })
    bench.peerTs = 5
    await bench.send('S', { mss: 1400, scale: 7 })
    const answer = bench.expect('SA', { seq: 0, ack: 1, mss, scale: 5 })
    expect(answer.ts?.echo).toBe(5)
    expect(listener.tryAccept()).toBeUndefined()
    await bench.send('A', { seq: 1, ack: 1, win: 100 })
    const connection = await listener.accept()
    expect(connection?.state).toBe('established')
    expect(connection?.remote).toEqual({ host: bench.remote, port: PEER_PORT })
    expect(connection?.info()).toMatchObject({ sendWindow: 100 << 7, sendMss: 1388, options: { timestamps: true, windowScale: true } })
    await bench.end()
  })
})
